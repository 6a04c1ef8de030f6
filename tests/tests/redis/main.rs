use cache_kit::testing::conformance;
use cache_kit::{RedisBackend, RedisConfig};

#[tokio::test(flavor = "multi_thread")]
async fn tmp() {
    let backend =
        RedisBackend::new("redis://127.0.0.1:7391".parse::<RedisConfig>().unwrap()).unwrap();
    backend.connect().await.unwrap();
    conformance::run(async || backend.clone())
        .await
        .assert_passed();
}
