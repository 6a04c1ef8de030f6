//! Writes the seeds of the corpus anew: `cargo run --example seeds`, after a change of the stored
//! format.

use cache_kit_fuzz::{entries, payload_of};
use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for target in ["header", "payload"] {
        fs::create_dir_all(seeds.join(target))?;
    }
    for (name, entry) in entries().map_err(io::Error::other)? {
        fs::write(seeds.join("header").join(&name), &entry)?;
        if name.ends_with("plain") || name.ends_with("small") {
            fs::write(seeds.join("payload").join(&name), payload_of(&entry))?;
        }
    }
    Ok(())
}
