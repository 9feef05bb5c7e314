//! What was compiled once and will be asked for again: [`Memo`]. Expressions and paths are written in the cases, and so
//! few; compiling one takes longer than judging the answer that it is for.

use std::cell::RefCell;
use std::collections::HashMap;

/// Texts that are kept at most. Expressions with values of an answer inside are new for each case.
const KEPT: usize = 512;

/// Values by the text that they are made of. Meant for a `thread_local!`: nobody waits for anybody.
#[derive(Debug)]
pub struct Memo<T>(RefCell<HashMap<String, T>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(RefCell::new(HashMap::new()))
    }
}

impl<T: Clone> Memo<T> {
    /// The value of a text, made if it is not known. A failure is not kept.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<E>(&self, text: &str, make: impl FnOnce(&str) -> Result<T, E>) -> Result<T, E> {
        if let Some(known) = self.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let made = make(text)?;
        let mut kept = self.0.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.to_owned(), made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compiled_once_and_a_failure_each_time() {
        let memo = Memo::default();
        let made = std::cell::Cell::new(0);
        let parse = |text: &str| {
            made.set(made.get() + 1);
            text.parse::<u8>()
        };
        assert_eq!((memo.get("7", parse), memo.get("7", parse), made.get()), (Ok(7), Ok(7), 1));
        assert!(memo.get("x", parse).is_err() && memo.get("x", parse).is_err());
        assert_eq!(made.get(), 3);
    }

    #[test]
    fn many_texts_do_not_pile_up() {
        let memo = Memo::default();
        for number in 0..3 * KEPT {
            assert_eq!(memo.get(&number.to_string(), str::parse::<usize>), Ok(number));
        }
        assert!(memo.0.borrow().len() <= KEPT);
    }
}
