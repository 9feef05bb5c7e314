#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = casebook_fuzz::record(data);
});
