//! Loops of many steps, which look now and then whether anybody still waits for what they find.

use crate::error::Result;

/// Asked now and then by work that takes long: an error ends it.
pub type GoOn<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// For tests: nobody leaves.
#[cfg(test)]
pub(crate) const GO: GoOn<'static> = &|| Ok(());

/// Steps between two looks: fewer than a millisecond takes where a step compares two vectors.
pub const STEPS: usize = 1_024;

/// The items, with a look at `go_on` before the first of every [`STEPS`]; after an error there are no
/// more. Loops over all rows of a table, or over anything else that a caller can make long, go through
/// this.
pub fn watched<I: IntoIterator>(
    items: I,
    go_on: GoOn<'_>,
) -> impl Iterator<Item = Result<I::Item>> {
    let mut items = items.into_iter();
    let mut step = 0;
    std::iter::from_fn(move || {
        if step % STEPS == 0
            && let Err(error) = go_on()
        {
            // Nobody goes on behind an error: the items are not looked at again.
            return Some(Err(error));
        }
        step += 1;
        items.next().map(Ok)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn a_loop_ends_soon_after_nobody_waits() {
        let looks = AtomicUsize::new(0);
        let go_on = || match looks.fetch_add(1, Ordering::Relaxed) {
            0..3 => Ok(()),
            _ => Err(Error::new(ErrorKind::Cancelled)),
        };
        let mut steps = 0;
        let end = watched(0_u64.., &go_on).try_for_each(|step| step.map(|_| steps += 1));
        assert!(matches!(end.unwrap_err().kind(), ErrorKind::Cancelled));
        assert_eq!(steps, 3 * STEPS);
        assert_eq!(watched(0..5_usize, &|| Ok(())).count(), 5);
    }
}
