//! Stub, replaced soon.
/// Which operator for which entity and lane.
pub struct Policy;
