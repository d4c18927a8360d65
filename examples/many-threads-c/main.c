// Threads under stress: ten thousand one after the other, a thousand alive at once, and a mix of everything that they
// can wait for each other by.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { IN_TURN = 10000, AT_ONCE = 1000, MIXED = 8, ROUNDS = 200 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t slots;
static int started, released, sum;
static long table[4];

static void *count_up(void *amount) {
    sum += *(int *)amount;
    return amount;
}

static void *wait_for_release(void *unused) {
    pthread_mutex_lock(&lock);
    if (++started == AT_ONCE) pthread_cond_broadcast(&changed);
    while (!released) pthread_cond_wait(&changed, &lock);
    sum++;
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *mix(void *number) {
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        sem_wait(&slots);
        pthread_rwlock_rdlock(&table_lock);
        long seen = table[round % 4];
        pthread_rwlock_unlock(&table_lock);
        sem_post(&slots);
        pthread_rwlock_wrlock(&table_lock);
        table[round % 4] += seen >= 0 ? *(int *)number : 0;
        pthread_rwlock_unlock(&table_lock);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        pthread_mutex_lock(&lock);
        if (round % 50 == 0) {
            until.tv_nsec = (until.tv_nsec + 1000000) % 1000000000;
            while (pthread_cond_timedwait(&changed, &lock, &until) != ETIMEDOUT) {}
        }
        sum++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void) {
    static pthread_t threads[AT_ONCE];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    int one = 1;
    for (int i = 0; i < IN_TURN; i++) {
        if (pthread_create(&threads[0], &small, count_up, &one)) return 1;
        pthread_join(threads[0], NULL);
    }
    printf("in turn: %d\n", sum);

    sum = 0;
    for (int i = 0; i < AT_ONCE; i++) {
        if (pthread_create(&threads[i], &small, wait_for_release, NULL)) return 2;
    }
    pthread_mutex_lock(&lock);
    while (started < AT_ONCE) pthread_cond_wait(&changed, &lock);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < AT_ONCE; i++) pthread_join(threads[i], NULL);
    printf("at once: %d\n", sum);

    sum = 0;
    pthread_barrier_init(&barrier, NULL, MIXED);
    sem_init(&slots, 0, 3);
    int numbers[MIXED];
    for (int i = 0; i < MIXED; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], &small, mix, &numbers[i])) return 3;
    }
    for (int i = 0; i < MIXED; i++) pthread_join(threads[i], NULL);
    printf("mixed: %d, %ld %ld %ld %ld\n", sum, table[0], table[1], table[2], table[3]);
}
