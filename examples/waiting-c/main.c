// Threads that wait for files: pipes that are full or empty, poll, epoll, select, eventfd, signals that end a wait.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <unistd.h>

static int data[2], note[2];
static volatile int caught;

static void handler(int number) { caught = number; }

// Writes far more than a pipe holds.
static void *produce(void *unused) {
    static char block[200000];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 5; i++) {
        if (write(data[1], block, sizeof block) != sizeof block) puts("a short write");
    }
    close(data[1]);
    return unused;
}

static void *notify_later(void *unused) {
    usleep(20000);
    if (write(note[1], "k", 1) != 1) puts("cannot notify");
    return unused;
}

static void *signal_later(void *thread) {
    usleep(10000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void on_signal(int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    caught = 0;
}

int main(void) {
    pthread_t thread, other, self = pthread_self();
    static char buffer[7777];
    if (pipe(data) || pipe(note)) return 1;

    pthread_create(&thread, NULL, produce, NULL);
    size_t total = 0;
    ssize_t count;
    while ((count = read(data[0], buffer, sizeof buffer)) > 0) total += count;
    printf("read %zu bytes, then %zd\n", total, count);
    pthread_join(thread, NULL);

    struct pollfd wanted = {note[0], POLLIN, 0};
    printf("poll in vain: %d\n", poll(&wanted, 1, 15));
    pthread_create(&thread, NULL, notify_later, NULL);
    int ready = poll(&wanted, 1, -1);
    printf("poll: %d, %#x\n", ready, wanted.revents);
    read(note[0], buffer, 1);
    pthread_join(thread, NULL);

    int list = epoll_create1(0);
    struct epoll_event interest = {.events = EPOLLIN, .data.u64 = 77}, event;
    epoll_ctl(list, EPOLL_CTL_ADD, note[0], &interest);
    printf("epoll in vain: %d\n", epoll_wait(list, &event, 1, 5));
    pthread_create(&thread, NULL, notify_later, NULL);
    ready = epoll_wait(list, &event, 1, -1);
    printf("epoll: %d, %llu\n", ready, (unsigned long long)event.data.u64);
    read(note[0], buffer, 1);
    pthread_join(thread, NULL);

    fd_set set;
    FD_ZERO(&set);
    FD_SET(note[0], &set);
    struct timeval time = {3, 0};
    pthread_create(&thread, NULL, notify_later, NULL);
    ready = select(note[0] + 1, &set, NULL, NULL, &time);
    printf("select: %d, %d\n", ready, FD_ISSET(note[0], &set) != 0);
    read(note[0], buffer, 1);
    pthread_join(thread, NULL);

    // A handler ends a wait, unless the call is to be made again.
    int counter = eventfd(0, 0);
    on_signal(0);
    pthread_create(&thread, NULL, signal_later, &self);
    count = read(counter, buffer, 8);
    printf("read: %zd, %s, signal %d\n", count, strerror(errno), caught == SIGUSR1);
    pthread_join(thread, NULL);
    on_signal(SA_RESTART);
    pthread_create(&thread, NULL, signal_later, &self);
    pthread_create(&other, NULL, notify_later, NULL);
    count = read(note[0], buffer, 8);
    printf("read again: %zd, signal %d\n", count, caught == SIGUSR1);
    pthread_join(thread, NULL);
    pthread_join(other, NULL);
    on_signal(SA_RESTART);
    pthread_create(&thread, NULL, signal_later, &self);
    ready = poll(&wanted, 1, -1);
    printf("poll is not: %d, %s, signal %d\n", ready, strerror(errno), caught == SIGUSR1);
    pthread_join(thread, NULL);

    signal(SIGPIPE, SIG_IGN);
    close(note[0]);
    count = write(note[1], "x", 1);
    printf("nobody reads: %zd, %s\n", count, strerror(errno));
    fflush(stdout);
    struct iovec parts[2] = {{"the ", 4}, {"end\n", 4}};
    writev(1, parts, 2);
    signal(SIGPIPE, SIG_DFL);
    write(note[1], "x", 1);
    puts("not reached");
}
