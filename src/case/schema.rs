//! provisional
use serde_json::Value;
/// p
pub fn case_schema() -> Value {
    Value::Null
}
/// p
pub fn service_schema() -> Value {
    Value::Null
}
/// p
pub fn clauses_schema() -> Value {
    Value::Null
}
/// p
pub fn target_schema() -> Value {
    Value::Null
}
