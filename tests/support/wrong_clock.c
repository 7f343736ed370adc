/* Loaded before a process's own libraries (LD_PRELOAD): its wall clock is off by as many
   nanoseconds as the file in WRONG_CLOCK says now. No other clock is touched. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

static const volatile int64_t *off_ns;

__attribute__((constructor)) static void read_offset(void)
{
    const char *name = getenv("WRONG_CLOCK");
    int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        abort(); /* a test of a wrong clock must not run on a right one */
    off_ns = mmap(NULL, sizeof *off_ns, PROT_READ, MAP_SHARED, file, 0);
    if (off_ns == MAP_FAILED)
        abort();
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && off_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t at_ns = at->tv_sec * SECOND_NS + at->tv_nsec + *off_ns;
        at->tv_sec = at_ns / SECOND_NS;
        at->tv_nsec = at_ns % SECOND_NS;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (at != NULL)
        *at = now.tv_sec;
    return now.tv_sec;
}
