//! `#[cache_repository]`: parse, mean, expand.

mod block;
mod expand;
mod input;
mod model;
mod twin;

use proc_macro2::TokenStream;

use crate::diagnostics::{Diagnostics, Faults};
use crate::fallback;

use block::Block;
use input::Input;
use model::Model;

/// Makes a repository of an `impl` block.
pub(crate) fn annotate(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    match Block::from_syn(item.clone()) {
        Ok(block) => match model(attribute, &block) {
            Ok(model) => expand::expand(&block, &model),
            Err(faults) => fallback::item(&block.without_marks(), &faults),
        },
        Err(error) => fallback::item(item, &Faults::from(error)),
    }
}

fn model(attribute: TokenStream, block: &Block) -> Result<Model, Faults> {
    let mut diagnostics = Diagnostics::new();
    let input = Input::from_syn(attribute, &mut diagnostics);
    let model = Model::from_input(block, &input, &mut diagnostics);
    diagnostics.finish(model)
}

#[cfg(test)]
mod tests;
