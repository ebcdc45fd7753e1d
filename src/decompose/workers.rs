//! Runs batches in parallel, one thread each. On a CPU this keeps every core busy, also between matrix products, and
//! keeps a batch's data in its core's cache.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    error::{Error, Result},
    model::Decoder,
};

/// Emits one result of an item; fails once the results are no longer received.
pub(crate) type Emit<'a, R> = &'a mut dyn FnMut(R) -> Result<()>;

/// Applies `work` to `items`, in parallel if the device of `decoder` prefers it, and passes the results to `deliver` in
/// order.
///
/// # Errors
/// The first error that `work` returns.
pub(crate) fn run_in_order<T: Sync, R: Send>(
    decoder: &Decoder,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    deliver: impl FnMut(R),
) -> Result<()> {
    let mut order = InOrder::new(deliver);
    run_unordered(decoder, items, |item, emit| emit(work(item)?), |index, result| order.take(index, result))?;
    order.finish(items.len())
}

/// As [`run_in_order`] for items with several results; delivers each result at once with the index of its item. Results
/// of the same item stay in order.
///
/// # Errors
/// The first error that `work` returns.
pub(crate) fn run_unordered<T: Sync, R: Send>(
    decoder: &Decoder,
    items: &[T],
    work: impl Fn(&T, Emit<'_, R>) -> Result<()> + Sync,
    deliver: impl FnMut(usize, R),
) -> Result<()> {
    if count(decoder) == 1 { serial(items, work, deliver) } else { parallel(items, work, deliver) }
}

/// Returns the number of batches that run at the same time.
pub(crate) fn count(decoder: &Decoder) -> usize {
    if decoder.is_on_card() { 1 } else { rayon::current_num_threads() }
}

/// Applies `work` to `items` one after the other.
///
/// # Errors
/// The first error of `work`.
fn serial<T, R>(
    items: &[T],
    work: impl Fn(&T, Emit<'_, R>) -> Result<()>,
    mut deliver: impl FnMut(usize, R),
) -> Result<()> {
    for (index, item) in items.iter().enumerate() {
        work(item, &mut |result| {
            deliver(index, result);
            Ok(())
        })?;
    }
    Ok(())
}

/// Applies `work` to as many `items` at a time as the current rayon pool has threads. Inside `work` the pool has one
/// thread.
///
/// # Errors
/// An error of `work`; items that are still running stop at their next result.
fn parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T, Emit<'_, R>) -> Result<()> + Sync,
    mut deliver: impl FnMut(usize, R),
) -> Result<()> {
    let workers = rayon::current_num_threads().min(items.len());
    if workers <= 1 {
        return serial(items, work, deliver);
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || alone(|| take_items(items, next, work, &sender)));
        }
        drop(sender);
        let mut results = receiver.into_iter();
        results.try_for_each(|result| result.map(|(index, result)| deliver(index, result)))
    })
}

/// Runs `work` in a pool of one thread; in the current pool if no new one can be created.
pub(crate) fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Takes and processes items until none is left, one fails, or the results are no longer received.
fn take_items<T, R>(
    items: &[T],
    next: &AtomicUsize,
    work: &impl Fn(&T, Emit<'_, R>) -> Result<()>,
    sender: &mpsc::Sender<Result<(usize, R)>>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(item) = items.get(index) else { return };
        let mut emit = |result| sender.send(Ok((index, result))).map_err(|_| Error::Cancelled);
        if let Err(error) = work(item, &mut emit) {
            next.store(items.len(), Ordering::Relaxed);
            drop(sender.send(Err(error)));
            return;
        }
    }
}

/// Delivers results in the order of their items.
struct InOrder<R, F> {
    early: BTreeMap<usize, R>,
    due: usize,
    deliver: F,
}

impl<R, F: FnMut(R)> InOrder<R, F> {
    const fn new(deliver: F) -> Self {
        Self { early: BTreeMap::new(), due: 0, deliver }
    }

    fn take(&mut self, index: usize, result: R) {
        self.early.insert(index, result);
        while let Some(result) = self.early.remove(&self.due) {
            (self.deliver)(result);
            self.due += 1;
        }
    }

    fn finish(self, items: usize) -> Result<()> {
        if self.due == items { Ok(()) } else { Err(Error::Model("a batch was lost".to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn results_are_ordered_and_work_has_a_pool_of_one_thread() {
        let items: Vec<u64> = (0..40).collect();
        let work = |&item: &u64, emit: Emit<'_, _>| {
            thread::sleep(std::time::Duration::from_micros((item * 7919) % 300));
            emit((item, rayon::current_num_threads()))
        };
        let mut delivered = Vec::new();
        let mut order = InOrder::new(|result| delivered.push(result));
        pool(4).install(|| parallel(&items, work, |index, result| order.take(index, result))).unwrap();
        order.finish(items.len()).unwrap();
        assert_eq!(delivered, items.iter().map(|&item| (item, 1)).collect::<Vec<_>>());
    }

    #[test]
    fn results_of_one_item_stay_in_order() {
        let items = [3, 0, 5, 1];
        for threads in [1, 3] {
            let mut results = vec![Vec::new(); items.len()];
            let work = |&count: &usize, emit: Emit<'_, _>| (0..count).try_for_each(emit);
            pool(threads).install(|| parallel(&items, work, |index, result| results[index].push(result))).unwrap();
            assert_eq!(results, items.map(|count| (0..count).collect::<Vec<_>>()), "{threads} threads");
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let work = |&item: &usize, emit: Emit<'_, usize>| if item == 5 { Err(Error::Cancelled) } else { emit(item) };
        let mut delivered = 0;
        let mut order = InOrder::new(|_| delivered += 1);
        let outcome = pool(3).install(|| parallel(&items, work, |index, result| order.take(index, result)));
        assert!(matches!(outcome, Err(Error::Cancelled)));
        assert!(order.finish(items.len()).is_err());
        assert!(delivered <= 5, "{delivered}");
    }
}
