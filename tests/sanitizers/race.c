/* Two threads write to one place, for ThreadSanitizer to say so: by its silence nobody could tell that it listens. */
#include <pthread.h>
#include <stdio.h>

static int place;

static void *write_to(void *unused) {
    int i;
    for (i = 0; i < 1000; i++)
        place++;
    return unused;
}

int main(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, write_to, NULL) != 0)
        return 2;
    (void)write_to(NULL);
    (void)pthread_join(other, NULL);
    printf("%d\n", place);
    return 0;
}
