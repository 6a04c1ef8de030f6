//! `#[cache_put]` and `#[cache_evict]`: parse, mean, expand.

mod expand;
mod input;
mod model;

use proc_macro2::TokenStream;

use crate::diagnostics::{Diagnostics, Faults};
use crate::fallback;
use crate::options::{CACHE_EVICT, CACHE_PUT, Dialect};
use crate::signature::Function;

use input::Input;
use model::{EvictModel, PutModel};

/// Stores what a function returns.
pub(crate) fn annotate_put(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    match parse(attribute, item.clone(), &CACHE_PUT, PutModel::from_input) {
        Ok(model) => expand::put(&model),
        Err(faults) => fallback::item(item, &faults),
    }
}

/// Removes what a function changes.
pub(crate) fn annotate_evict(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    match parse(
        attribute,
        item.clone(),
        &CACHE_EVICT,
        EvictModel::from_input,
    ) {
        Ok(model) => expand::evict(&model),
        Err(faults) => fallback::item(item, &faults),
    }
}

fn parse<M>(
    attribute: TokenStream,
    item: TokenStream,
    dialect: &'static Dialect,
    from_input: impl FnOnce(Function, &Input, &mut Diagnostics) -> Option<M>,
) -> Result<M, Faults> {
    let function = Function::from_syn(item, dialect)?;
    let mut diagnostics = Diagnostics::new();
    let input = Input::from_syn(attribute, dialect, &mut diagnostics);
    let model = from_input(function, &input, &mut diagnostics);
    diagnostics.finish(model)
}

#[cfg(test)]
mod tests;
