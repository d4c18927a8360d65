// Files that are mapped to be shared: what is stored to the memory is in the file, and what is written to the file is in the
// memory. With memfd_create, shm_open, a file of its own, and named semaphores between threads.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static void check(int holds, const char *what) {
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

static char *map(int fd, size_t pages, int protection, size_t first) {
    char *memory = mmap(NULL, pages * PAGE, protection, MAP_SHARED, fd, first * PAGE);
    if (memory == MAP_FAILED) {
        printf("mmap: %s\n", strerror(errno));
        exit(1);
    }
    return memory;
}

static int byte_at(int fd, off_t offset) {
    unsigned char byte = 0;
    return pread(fd, &byte, 1, offset) == 1 ? byte : -1;
}

static void memory_file(void) {
    int fd = memfd_create("shared", MFD_CLOEXEC);
    check(ftruncate(fd, 2 * PAGE + 100) == 0, "a file of two pages and a bit");
    char *memory = map(fd, 3, PROT_READ | PROT_WRITE, 0);
    memory[0] = 'a';
    memory[PAGE + 5] = 'b';
    check(byte_at(fd, 0) == 'a' && byte_at(fd, PAGE + 5) == 'b', "stores are in the file");
    check(pwrite(fd, "written", 7, PAGE - 3) == 7, "a write over the edge of a page");
    check(memcmp(memory + PAGE - 3, "written", 7) == 0, "is in the memory");
    memory[2 * PAGE + 99] = 'z';
    memory[2 * PAGE + 100] = '!';
    check(byte_at(fd, 2 * PAGE + 99) == 'z' && byte_at(fd, 2 * PAGE + 100) == -1, "the file ends where it ends");
    check(msync(memory, 3 * PAGE, MS_SYNC) == 0, "msync");

    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(private[0] == 'a', "a private mapping shows the file");
    private[0] = 'p';
    check(memory[0] == 'a' && byte_at(fd, 0) == 'a', "and is a copy once it is written");

    check(mprotect(memory, PAGE, PROT_READ) == 0 && memory[0] == 'a', "read only");
    check(mprotect(memory, PAGE, PROT_READ | PROT_WRITE) == 0, "and back");
    memory[1] = 'c';
    check(munmap(memory + PAGE, PAGE) == 0, "the page in the middle goes");
    check(byte_at(fd, PAGE + 5) == 'b' && byte_at(fd, 1) == 'c', "the file keeps everything");
    memory[2] = 'd';
    memory[2 * PAGE] = 'e';
    check(byte_at(fd, 2) == 'd' && byte_at(fd, 2 * PAGE) == 'e', "the others are still shared");

    check(ftruncate(fd, 10) == 0 && ftruncate(fd, PAGE) == 0, "shorter, and longer again");
    check(memory[2] == 'd' && memory[100] == 0 && byte_at(fd, PAGE - 3) == 0, "what was cut off is zero");
    check(close(fd) == 0 && memory[1] == 'c', "a closed file is still mapped");
    check(munmap(memory, 3 * PAGE) == 0, "unmapped with the hole in it");
}

static void shared_memory_object(void) {
    shm_unlink("/zeroos-example");
    int fd = shm_open("/zeroos-example", O_CREAT | O_EXCL | O_RDWR, 0600);
    check(fd >= 0 && ftruncate(fd, PAGE) == 0, "shm_open");
    int *counter = (int *)map(fd, 1, PROT_READ | PROT_WRITE, 0);
    close(fd);
    *counter = 41;
    int again = shm_open("/zeroos-example", O_RDWR, 0);
    int found = 0;
    check(pread(again, &found, sizeof found, 0) == sizeof found && found == 41, "opened again, it has what was stored");
    found = 42;
    check(pwrite(again, &found, sizeof found, 0) == sizeof found && *counter == 42, "and what was written is there");
    check(shm_unlink("/zeroos-example") == 0, "shm_unlink");
    struct stat stat;
    check(fstat(again, &stat) == 0 && stat.st_size == PAGE && stat.st_nlink == 0, "without a name");
    close(again);
    check(*counter == 42 && munmap(counter, PAGE) == 0, "it lives until it is unmapped");
}

static void a_file_read_only(void) {
    char path[] = "/tmp/zeroos-example-XXXXXX";
    int fd = mkstemp(path);
    check(write(fd, "hello", 5) == 5, "a file");
    int reader = open(path, O_RDONLY);
    unlink(path);
    char *memory = map(reader, 1, PROT_READ, 0);
    check(memcmp(memory, "hello\0", 6) == 0, "a mapping to read");
    check(pwrite(fd, "J", 1, 0) == 1 && memory[0] == 'J', "sees what is written later");
    check(mprotect(memory, PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES, "cannot become writable");
    check(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES, "nor be made so");
    check(munmap(memory, PAGE) == 0 && close(reader) == 0 && close(fd) == 0, "closed");
}

static sem_t *requests, *answers;
static int value;

static void *square(void *unused) {
    for (int round = 0; round < 5; round++) {
        sem_wait(requests);
        value *= value;
        sem_post(answers);
    }
    return unused;
}

static void named_semaphores(void) {
    sem_unlink("/zeroos-requests");
    sem_unlink("/zeroos-answers");
    requests = sem_open("/zeroos-requests", O_CREAT | O_EXCL, 0600, 0);
    answers = sem_open("/zeroos-answers", O_CREAT | O_EXCL, 0600, 0);
    check(requests != SEM_FAILED && answers != SEM_FAILED, "sem_open");
    check(sem_open("/zeroos-requests", O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST, "only once");
    check(sem_open("/zeroos-requests", 0) == requests, "the same semaphore by its name");
    pthread_t thread;
    pthread_create(&thread, NULL, square, NULL);
    for (int round = 1; round <= 5; round++) {
        value = round;
        sem_post(requests);
        sem_wait(answers);
        printf("%d ", value);
    }
    printf("\n");
    pthread_join(thread, NULL);
    check(sem_unlink("/zeroos-requests") == 0 && sem_unlink("/zeroos-answers") == 0, "sem_unlink");
    check(sem_close(requests) == 0 && sem_close(requests) == 0 && sem_close(answers) == 0, "sem_close");
}

int main(void) {
    memory_file();
    shared_memory_object();
    a_file_read_only();
    named_semaphores();
    return 0;
}
