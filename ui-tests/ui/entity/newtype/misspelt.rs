use cache_kit::KeyPart;

#[derive(Clone, Debug, KeyPart)]
#[cache(crat = ::cache_kit)]
struct Id(u64);

fn main() {}
