/* Four POSIX threads: mutexes, condition variables, thread-local storage, join values.
 *
 * Everything printed is the same for every interleaving: threads speak in the order of their numbers (a condition
 * variable hands the turn on), and counters are only read after all threads have been joined. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

enum { THREADS = 4, ROUNDS = 3, INCREMENTS = 1000 };

/* Initialised thread-local data comes from PT_TLS; the second variable lives in its zero-filled tail. */
static _Thread_local int answer = 42;
static _Thread_local long sum;

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static int turn;

static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_runs;

static void run_once(void) { once_runs++; }

static void *worker(void *argument) {
    int number = (int)(intptr_t)argument;
    int first = answer;

    answer += number;
    pthread_once(&once, run_once);
    for (int i = 1; i <= INCREMENTS; i++) {
        sum += i;
        pthread_mutex_lock(&counter_lock);
        counter++;
        pthread_mutex_unlock(&counter_lock);
    }
    for (int round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&turn_lock);
        while (turn % THREADS != number)
            pthread_cond_wait(&turn_changed, &turn_lock);
        printf("round %d, thread %d: answer was %d, is %d, sum %ld\n", round, number, first, answer, sum);
        turn++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&turn_lock);
    }
    return (void *)(intptr_t)(answer * 10);
}

int main(void) {
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, worker, (void *)(intptr_t)i) != 0) {
            fputs("pthread_create failed\n", stderr);
            return 1;
        }
    }
    void *results[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], &results[i]);
    for (int i = 0; i < THREADS; i++)
        printf("thread %d returned %ld\n", i, (long)(intptr_t)results[i]);
    printf("counter %ld, once %d, main's answer %d\n", counter, once_runs, answer);
    return 0;
}
