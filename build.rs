//! Links the released command to a fixed place, where the linker can: a program that may lie anywhere has some 30,000
//! addresses put right at every start, on 130 pages of memory that are copied for it, which took a tenth of a short
//! run's time. What that costs says SECURITY.md; `CASEBOOK_PIE=1` when building has the usual program.

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
    if can && std::env::var_os("CASEBOOK_PIE").is_none() {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
