//! Messages about what is stored of an entity.

use quote::ToTokens as _;
use syn::{Ident, Path};

pub(crate) fn opaque_behind(entity: &Ident, option: &Path) -> String {
    let option = option.to_token_stream();
    format!(
        "`opaque` has no effect: `#[serde({option} = …)]` reads another type in place of `{entity}`"
    )
}
