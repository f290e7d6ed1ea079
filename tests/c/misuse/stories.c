/* The stories that fuzzing kept, again. */
#include "../check.h"
#include "parts.h"
#include "story.h"

#include <dirent.h>
#include <stdlib.h>

#define CORPUS "fuzz/corpus/abi"
#define STORY_MAX 65536

static void tell_file(const char *name) {
    static unsigned char data[STORY_MAX];
    char path[512];
    FILE *file;
    size_t len;
    snprintf(path, sizeof path, CORPUS "/%s", name);
    file = fopen(path, "rb");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    len = fread(data, 1, sizeof data, file);
    fclose(file);
    fprintf(stderr, "%s\n", path);
    CHECK_OK(story(data, len));
}

int stories(void) {
    DIR *corpus = opendir(CORPUS);
    const struct dirent *entry;
    int told = 0, step = rounds() < 100 ? 10 : 1, seen = 0;
    CHECK(corpus != NULL); /* programs run from the root of the repository */
    if (corpus == NULL)
        return finish();
    while ((entry = readdir(corpus)) != NULL) {
        if (entry->d_name[0] == '.' || seen++ % step != 0)
            continue;
        tell_file(entry->d_name);
        told++;
    }
    closedir(corpus);
    CHECK(told > 0);
    return finish();
}
