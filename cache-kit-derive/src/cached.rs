//! `#[cached]`: parse, mean, expand.

mod expand;
mod index;
mod input;
mod loads;
mod many;
mod model;
mod reading;
mod refresh;
mod unless;
mod value;

use proc_macro2::TokenStream;

use crate::diagnostics::{Diagnostics, Faults};
use crate::fallback;
use crate::options::CACHED;
use crate::signature::Function;

use input::Input;
pub(crate) use many::Keys;
use model::Model;
pub(crate) use model::unit_in;
pub(crate) use reading::{Given, Reading, Source, reading};

/// Puts the cache in front of a function.
pub(crate) fn annotate(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    match model(attribute, item.clone()) {
        Ok(model) => expand::expand(&model),
        Err(faults) => fallback::item(item, &faults),
    }
}

fn model(attribute: TokenStream, item: TokenStream) -> Result<Model, Faults> {
    let function = Function::from_syn(item, &CACHED)?;
    let mut diagnostics = Diagnostics::new();
    let input = Input::from_syn(attribute, &mut diagnostics);
    let model = Model::from_input(function, &input, &mut diagnostics);
    diagnostics.finish(model)
}

#[cfg(test)]
mod tests;
