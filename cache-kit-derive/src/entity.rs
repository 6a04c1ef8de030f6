//! `#[derive(CacheEntity)]`: parse, mean, expand.

mod bounds;
mod codec;
mod expand;
mod feeder;
mod field;
mod index;
mod input;
mod key_checks;
mod key_type;
mod layout;
mod model;
mod nameless;
mod serde_options;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::crate_path::CratePath;
use crate::diagnostics::{Diagnostics, Faults};
use crate::fallback;

use input::Input;
use model::Model;

/// Derives `CacheEntity` for a struct.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let mut krate = CratePath::default();
    match model(&item, &mut krate) {
        Ok(model) => expand::expand(&model),
        Err(faults) => fallback::entity(&item, &krate, &faults),
    }
}

fn model(item: &DeriveInput, krate: &mut CratePath) -> Result<Model, Faults> {
    let mut diagnostics = Diagnostics::new();
    let input = Input::from_syn(item, &mut diagnostics);
    let model = input.and_then(|input| {
        *krate = CratePath::from_setting(input.krate.as_ref(), &mut diagnostics);
        Model::from_input(input, krate.clone(), &mut diagnostics)
    });
    diagnostics.finish(model)
}

#[cfg(test)]
mod tests;
