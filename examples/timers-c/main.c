// Timers by signals and by files, and waiting for signals: setitimer, timer_create, timerfd, sigsuspend, sigtimedwait.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile int count;

static void handler(int number) { count += number == SIGALRM; }

static void with_value(int number, siginfo_t *info, void *context) {
    (void)context;
    count++;
    printf("signal %d, code %d, value %d\n", number - SIGRTMIN, info->si_code, info->si_value.sival_int);
}

static void in_thread(union sigval value) { __atomic_add_fetch(&count, value.sival_int, __ATOMIC_SEQ_CST); }

static void *send_later(void *unused) {
    usleep(5000);
    kill(getpid(), SIGUSR2);
    return unused;
}

int main(void) {
    signal(SIGALRM, handler);
    struct itimerval every = {{0, 2000}, {0, 10000}}, never = {0};
    setitimer(ITIMER_REAL, &every, NULL);
    while (count < 3) pause();
    setitimer(ITIMER_REAL, &never, &every);
    printf("three alarms: %d, interval %ld\n", count >= 3, (long)every.it_interval.tv_usec);
    alarm(1);
    printf("a handler ends a sleep: %d\n", sleep(5) > 0);

    sigset_t alarms, others;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarms, &others);
    count = 0;
    alarm(1);
    sigsuspend(&others);
    printf("sigsuspend: %s, %d\n", strerror(errno), count);
    struct timespec time = {0, 5000000};
    int number = sigtimedwait(&alarms, NULL, &time);
    printf("sigtimedwait in vain: %d, %s\n", number, strerror(errno));
    alarm(1);
    sigwait(&alarms, &number);
    printf("sigwait: %d\n", number == SIGALRM);

    struct sigaction action = {.sa_sigaction = with_value, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigset_t queued;
    sigemptyset(&queued);
    sigaddset(&queued, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &queued, NULL);
    for (int i = 1; i <= 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i * 10});
    count = 0;
    // One at a time, so that their order does not depend on how handlers nest.
    for (int i = 0; i < 3; i++) {
        siginfo_t info;
        sigwaitinfo(&queued, &info);
        printf("queued: %d\n", info.si_value.sival_int);
    }

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 42};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec setting = {{0, 0}, {0, 3000000}};
    timer_settime(timer, 0, &setting, NULL);
    while (count < 1) pause();
    timer_delete(timer);
    struct sigevent by_thread = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_thread, .sigev_value.sival_int = 1};
    count = 0;
    timer_create(CLOCK_REALTIME, &by_thread, &timer);
    setting.it_interval.tv_nsec = 2000000;
    timer_settime(timer, 0, &setting, NULL);
    while (__atomic_load_n(&count, __ATOMIC_SEQ_CST) < 3) usleep(1000);
    timer_delete(timer);
    puts("a thread was notified");

    int file = timerfd_create(CLOCK_MONOTONIC, 0);
    setting.it_interval.tv_nsec = setting.it_value.tv_nsec = 5000000;
    timerfd_settime(file, 0, &setting, NULL);
    uint64_t ticks;
    for (int i = 0; i < 3; i++) printf("timerfd: %zd\n", read(file, &ticks, 8));
    struct pollfd wanted = {file, POLLIN, 0};
    printf("poll: %d\n", poll(&wanted, 1, 1000));
    read(file, &ticks, 8);
    int list = epoll_create1(0);
    struct epoll_event interest = {.events = EPOLLIN}, ready;
    epoll_ctl(list, EPOLL_CTL_ADD, file, &interest);
    printf("epoll: %d\n", epoll_wait(list, &ready, 1, -1));

    sigset_t user;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &user, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, send_later, NULL);
    siginfo_t info;
    number = sigwaitinfo(&user, &info);
    printf("sigwaitinfo: %d, code %d\n", number == SIGUSR2, info.si_code);
    pthread_join(thread, NULL);

    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    signal(SIGALRM, SIG_DFL);
    fflush(stdout);
    alarm(1);
    for (;;) pause();
}
