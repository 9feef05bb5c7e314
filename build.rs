//! Links the released command so that it starts quickly, where the linker can.
//!
//! - It lies at a fixed place: a program that may lie anywhere has some 30,000 addresses put right at every start, on 130
//!   pages of memory that are copied for it, which took a tenth of a short run's time. What that costs says SECURITY.md;
//!   `CASEBOOK_PIE=1` when building has the usual program.
//! - What it needs of the compiler's and the mathematical library is a part of it: a handful of functions, for which two
//!   more files would be opened, mapped and initialised at every start.

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
    if !can {
        return;
    }
    if std::env::var_os("CASEBOOK_PIE").is_none() {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    // Only this machine's own compiler is asked where they are.
    if std::env::var_os("HOST") == std::env::var_os("TARGET") {
        for library in ["gcc_eh"].into_iter().filter(|library| is_there(library)) {
            println!("cargo::rustc-link-lib=static:-bundle={library}");
        }
    }
}

/// Whether the compiler that links has a library in the form that becomes a part of the program.
fn is_there(library: &str) -> bool {
    let asked = Command::new("cc").arg(format!("-print-file-name=lib{library}.a")).output();
    // Of what it does not find it gives back the name.
    asked.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
