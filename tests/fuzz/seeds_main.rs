//! Writes the captures as beginnings of the corpora: `corpus/TARGET/NAME` beside this file.

mod seeds;

use std::path::Path;

fn main() -> std::io::Result<()> {
    for (target, _) in seeds::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        let seeds = seeds::seeds(target);
        println!("{target}: {} bodies", seeds.len());
        for (name, body) in seeds {
            std::fs::write(folder.join(name), body)?;
        }
    }
    Ok(())
}
