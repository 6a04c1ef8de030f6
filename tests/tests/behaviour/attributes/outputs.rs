//! Every output, and every way for a body to end.

use super::{Broken, DbResult, Desk, Item, desk};
use cache_kit::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

macro_rules! outputs {
    ($($name:ident -> $output:ty, |$item:ident| $value:expr;)*) => {
        impl Desk {$(
            #[cached]
            async fn $name(&self, id: u64) -> $output {
                let $item = self.loads.item(id);
                $value
            }
        )*}

        #[tokio::test]
        async fn every_output_is_cached() {$(
            let asked = desk();
            let (first, second) = (asked.$name(7).await, asked.$name(7).await);
            assert_eq!(format!("{first:?}"), format!("{second:?}"), stringify!($output));
            assert!(format!("{first:?}").contains("load: 1"), stringify!($output));
            assert_eq!(asked.loads.0.load(Ordering::SeqCst), 1, stringify!($output));
        )*}
    };
}

outputs! {
    plain -> Item, |item| item.unwrap();
    shared -> Arc<Item>, |item| item.unwrap().into();
    optional -> Option<Item>, |item| item;
    optional_shared -> Option<Arc<Item>>, |item| item.map(Arc::new);
    result -> Result<Item, Broken>, |item| item.ok_or(Broken("none"));
    result_shared -> Result<Arc<Item>, Broken>, |item| Ok(item.unwrap().into());
    result_optional -> Result<Option<Item>, Broken>, |item| Ok(item);
    result_optional_shared -> Result<Option<Arc<Item>>, Broken>, |item| Ok(item.map(Arc::new));
    alias -> DbResult<Option<Item>>, |item| Ok(item);
    any_error -> anyhow::Result<Arc<Item>>, |item| Ok(item.map(Arc::new).unwrap());
    own_error -> cache_kit::Result<Item>, |item| Ok(item.unwrap());
}

impl Desk {
    #[cached]
    async fn strict(&self, id: u64) -> DbResult<Arc<Item>> {
        if id == 13 {
            return Err(Broken("unlucky"));
        }
        let item = self.loads.item(id).ok_or(Broken("none"))?;
        Ok(Arc::new(item))
    }
}

#[tokio::test]
async fn early_returns_and_question_marks_end_the_body_and_errors_are_not_stored() {
    let desk = desk();
    assert_eq!(desk.strict(13).await, Err(Broken("unlucky")));
    assert_eq!(desk.loads.0.load(Ordering::SeqCst), 0);
    assert_eq!(desk.strict(0).await, Err(Broken("none")));
    assert_eq!(desk.strict(0).await, Err(Broken("none")));
    assert_eq!(
        desk.strict(7).await.unwrap().load,
        3,
        "both failures were loads"
    );
}

#[tokio::test]
async fn hits_hand_out_the_very_same_value() {
    let desk = desk();
    let (loaded, hit) = (desk.strict(7).await.unwrap(), desk.strict(7).await.unwrap());
    assert!(Arc::ptr_eq(&loaded, &hit));
    assert!(
        Arc::ptr_eq(&hit, &desk.optional_shared(7).await.unwrap()),
        "whatever the output"
    );
}
