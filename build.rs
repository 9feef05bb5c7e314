//! Links the released command so that it starts quickly, where the linker can.
//!
//! - It lies at a fixed place: a program that may lie anywhere has some 30,000 addresses put right at every start, on 130
//!   pages of memory that are copied for it, which took a tenth of a short run's time. What that costs says SECURITY.md.
//! - What takes a panic apart is a part of it, and not one more shared library that is opened, mapped, linked and
//!   initialised at every start: a twentieth of a short run's time.
//!
//! `CASEBOOK_PIE=1` when building has the usual program.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CASEBOOK_PIE");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let can = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("PROFILE", "release")
        // A program without shared libraries is linked in another way.
        && !std::env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.contains("crt-static"));
    if !can || std::env::var_os("CASEBOOK_PIE").is_some() {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // Only this machine's own compiler is asked whether it has the library; others link as usual.
    let here = std::env::var_os("HOST") == std::env::var_os("TARGET");
    if let (true, Some(out)) = (here && has_static_unwinder(), std::env::var_os("OUT_DIR")) {
        // What is linked by the name of the shared library: programs that only use this one as a library link as ever.
        let script = Path::new(&out).join("libgcc_s.so");
        match std::fs::write(&script, "INPUT(-lgcc_eh)\n") {
            Ok(()) => println!("cargo::rustc-link-arg-bins=-L{}", Path::new(&out).display()),
            Err(error) => println!("cargo::warning={}: {error}", script.display()),
        }
    }
}

/// Whether the compiler that links has what unwinds the stack in the form that becomes a part of the program.
fn has_static_unwinder() -> bool {
    let linker = std::env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    // Of what it does not find it gives back the name.
    asked.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
