use cache_kit::KeyPart;

#[derive(Clone, Debug, KeyPart)]
struct Id(f64);

fn main() {}
