//! Tasks, timers and channels of tokio's current-thread runtime, files by its blocking threads, and rayon beside them.
//!
//! Nothing printed depends on how long anything takes, only on the order in which timers end.

use std::time::Duration;

use rayon::prelude::*;
use tokio::sync::{Barrier, Notify, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, interval, sleep, timeout};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    // All drivers: timers and the poller of file descriptors.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        timers().await?;
        channels().await?;
        waiting().await?;
        files().await?;
        computing().await
    })
}

/// Tasks that sleep end in the order of their timers, not of their start.
async fn timers() -> Result<()> {
    let started = Instant::now();
    let (sender, mut ended) = mpsc::unbounded_channel();
    for milliseconds in [50u64, 10, 40, 20, 30] {
        let sender = sender.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(milliseconds)).await;
            sender.send(milliseconds)
        });
    }
    drop(sender);
    let mut order = Vec::new();
    while let Some(milliseconds) = ended.recv().await {
        order.push(milliseconds);
    }
    println!("timers ended: {order:?}, early: {}", started.elapsed() < Duration::from_millis(50));

    let mut ticks = interval(Duration::from_millis(5));
    for _ in 0..4 {
        ticks.tick().await;
    }
    let late = timeout(Duration::from_millis(10), sleep(Duration::from_secs(3600))).await;
    let in_time = timeout(Duration::from_secs(3600), sleep(Duration::from_millis(10))).await;
    println!("an hour within 10 ms: {}, 10 ms within an hour: {}", late.is_ok(), in_time.is_ok());
    Ok(())
}

/// A pipeline of bounded channels, answers by oneshot, broadcasts and a watched value.
async fn channels() -> Result<()> {
    let (numbers, mut squares_in) = mpsc::channel(4);
    let (squares_out, mut sums) = mpsc::channel(4);
    tokio::spawn(async move {
        for number in 1..=100u64 {
            numbers.send(number).await.ok();
        }
    });
    tokio::spawn(async move {
        while let Some(number) = squares_in.recv().await {
            squares_out.send(number * number).await.ok();
        }
    });
    let mut sum = 0;
    while let Some(square) = sums.recv().await {
        sum += square;
    }
    println!("sum of squares: {sum}");

    let (requests, mut server) = mpsc::channel::<(u32, oneshot::Sender<u32>)>(1);
    let server = tokio::spawn(async move {
        while let Some((question, answer)) = server.recv().await {
            answer.send(question + 1).ok();
        }
    });
    let mut answers = Vec::new();
    for question in 0..5 {
        let (sender, answer) = oneshot::channel();
        requests.send((question, sender)).await?;
        answers.push(answer.await?);
    }
    drop(requests);
    server.await?;
    println!("answers: {answers:?}");

    let (news, _) = broadcast::channel(8);
    let listeners: Vec<_> = (0..3)
        .map(|_| {
            let mut listener = news.subscribe();
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while let Ok(word) = listener.recv().await {
                    heard.push(word);
                }
                heard.join(" ")
            })
        })
        .collect();
    for word in ["one", "two", "three"] {
        news.send(word)?;
    }
    drop(news);
    for listener in listeners {
        println!("heard: {}", listener.await?);
    }

    let (level, mut seen) = watch::channel(0);
    let watcher = tokio::spawn(async move {
        seen.wait_for(|level| *level >= 3).await.map(|level| *level)
    });
    for value in 1..=3 {
        sleep(Duration::from_millis(1)).await;
        level.send(value)?;
    }
    println!("watched: {}", watcher.await??);
    Ok(())
}

/// Tasks that wait for each other, and one that is cancelled.
async fn waiting() -> Result<()> {
    use std::sync::Arc;
    let (barrier, places) = (Arc::new(Barrier::new(10)), Arc::new(Semaphore::new(3)));
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (barrier, places) = (barrier.clone(), places.clone());
            tokio::spawn(async move {
                {
                    let _place = places.acquire().await;
                    sleep(Duration::from_millis(2)).await;
                }
                barrier.wait().await.is_leader()
            })
        })
        .collect();
    let mut leaders = 0;
    for task in tasks {
        leaders += u32::from(task.await?);
    }
    println!("leaders: {leaders}");

    let never = Arc::new(Notify::new());
    let waiter = tokio::spawn({
        let never = never.clone();
        async move { never.notified().await }
    });
    tokio::task::yield_now().await;
    waiter.abort();
    println!("cancelled: {}", waiter.await.is_err_and(|error| error.is_cancelled()));
    tokio::select! {
        biased;
        _ = sleep(Duration::from_millis(1)) => println!("the shorter timer won"),
        _ = sleep(Duration::from_millis(100)) => println!("the longer timer won"),
    }
    Ok(())
}

/// Files by tokio's blocking threads and by `std::fs`.
async fn files() -> Result<()> {
    let folder = std::env::temp_dir().join("tokio-rust");
    tokio::fs::create_dir_all(&folder).await?;
    for number in 0..5 {
        tokio::fs::write(folder.join(format!("{number}.txt")), "x".repeat(number * 100)).await?;
    }
    tokio::fs::rename(folder.join("0.txt"), folder.join("9.txt")).await?;
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(&folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        found.push((entry.file_name().into_string().unwrap_or_default(), entry.metadata().await?.len()));
    }
    found.sort();
    println!("files: {found:?}");
    let read = tokio::fs::read_to_string(folder.join("3.txt")).await?;
    std::fs::remove_dir_all(&folder)?;
    println!("read {} bytes, folder left: {}", read.len(), folder.exists());
    Ok(())
}

/// rayon's threads while timers go on.
async fn computing() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build()?;
    let (sender, receiver) = oneshot::channel();
    pool.spawn(move || {
        let sum: u64 = (0..100_000u64).into_par_iter().map(|n| n * n % 7).sum();
        sender.send(sum).ok();
    });
    let blocking = tokio::task::spawn_blocking(|| (0..1000u64).filter(|n| n % 3 == 0).count());
    sleep(Duration::from_millis(1)).await;
    println!("computed: {} and {}", receiver.await?, blocking.await?);
    Ok(())
}
