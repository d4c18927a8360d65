// The times of files follow what is done to them. When they were read is left out: not every file system notes it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static struct stat file_before, folder_before;
static char folder[] = "/tmp/zeroos-times-XXXXXX", path[64], other[64];

static int is_later(struct timespec before, struct timespec after) {
    return after.tv_sec > before.tv_sec || (after.tv_sec == before.tv_sec && after.tv_nsec > before.tv_nsec);
}

static void say_what_moved(const char *what, struct stat *before, const struct stat *after) {
    printf("%s%s%s", what, is_later(before->st_mtim, after->st_mtim) ? " written" : "",
           is_later(before->st_ctim, after->st_ctim) ? " changed" : "");
    *before = *after;
}

static void step(const char *what, const char *name) {
    struct stat now;
    printf("%s:", what);
    stat(name, &now);
    say_what_moved(" file", &file_before, &now);
    stat(folder, &now);
    say_what_moved("; folder", &folder_before, &now);
    printf("\n");
    usleep(20000);
}

int main(void) {
    if (!mkdtemp(folder)) exit(1);
    sprintf(path, "%s/a", folder);
    sprintf(other, "%s/b", folder);
    stat(folder, &folder_before);
    usleep(20000);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    stat(path, &file_before);
    step("made", path);
    write(fd, "hello", 5);
    step("written", path);
    write(fd, "", 0);
    step("nothing written", path);
    ftruncate(fd, 3);
    step("cut", path);
    fchmod(fd, 0640);
    step("mode", path);
    rename(path, other);
    step("renamed", other);
    link(other, path);
    step("linked", other);
    unlink(path);
    step("unlinked", other);
    close(open(other, O_WRONLY | O_TRUNC));
    step("opened to be empty", other);
    ftruncate(fd, PAGE);
    step("longer", other);
    char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) exit(1);
    memory[0] = 'x';
    msync(memory, PAGE, MS_SYNC);
    step("stored and msync", other);
    munmap(memory, PAGE);
    step("unmapped", other);
    unlink(other);
    rmdir(folder);
    return 0;
}
