//! The elements of a JSON list, one at a time: a list of a million empty ones costs no memory.

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// Calls `take` for each element. A list that is missing or `null` has none; an error ends it.
pub(super) fn each<'a, T: Deserialize<'a>>(
    list: Option<&'a RawValue>,
    take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    let Some(list) = list else { return Ok(()) };
    let mut walk = Walk { take, failed: None, element: PhantomData };
    let read = serde_json::Deserializer::from_str(list.get()).deserialize_any(&mut walk);
    match (walk.failed, read) {
        (Some(reason), _) => Err(reason),
        (None, Err(error)) => Err(format!("not taken as JSON: {}", crate::privacy::json_error(&error))),
        (None, Ok(())) => Ok(()),
    }
}

struct Walk<F, T> {
    take: F,
    failed: Option<String>,
    element: PhantomData<T>,
}

impl<'a, T: Deserialize<'a>, F: FnMut(T) -> Result<(), String>> Visitor<'a> for &mut Walk<F, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<T>()? {
            if let Err(reason) = (self.take)(element) {
                self.failed = Some(reason);
                return Err(A::Error::custom("ended"));
            }
        }
        Ok(())
    }
}
