/*
 * A host of sealwax_client, whole: a socket, a clock, a terminal and a file for the store. Its relay is relay.c, which
 * takes people on their word; for others leave out "method" and give the relay's name.
 *
 * usage: host PORT NAME STORE KEY, where STORE and KEY are files that are made if they are not there
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sealwax.h>

static const char options[] = "{\"method\":\"host\",\"acks\":true}", relay_name[] = "";
/* Pauses between connections, and how long one has to hold for the shortest to do again. */
enum { PAUSE_FIRST_MS = 500, PAUSE_LONGEST_MS = 60 * 1000, STEADY_MS = 10 * 1000 };
enum { FRAME, TIME, WOKEN, CLOSED };

static int server = -1, is_over;
static unsigned char group[SEALWAX_GROUP_ID_LEN];

static void die(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void must(sealwax_status status) {
    if (status != SEALWAX_OK) die(sealwax_status_name(status));
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- The socket ---- */

static int call_relay(unsigned port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (server >= 0 && connect(server, (struct sockaddr *)&address, sizeof address) == 0) return 1;
    if (server >= 0) close(server);
    server = -1;
    return 0;
}

static void hang_up(void) {
    close(server);
    server = -1;
}

/* 0 if the connection is gone. What could not be sent is asked for again on the next one. */
static int put_bytes(const unsigned char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(server, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) return 0;
        bytes += sent;
        len -= (size_t)sent;
    }
    return 1;
}

/* On a stream a frame follows its length. */
static void put_frame(const unsigned char *frame, size_t len) {
    const unsigned char head[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len};
    if (put_bytes(head, sizeof head)) put_bytes(frame, len);
}

static int take_bytes(unsigned char *bytes, size_t len) {
    while (len > 0) {
        ssize_t came = recv(server, bytes, len, 0);
        if (came <= 0) return 0;
        bytes += came;
        len -= (size_t)came;
    }
    return 1;
}

static int take_frame(unsigned char *frame, size_t *len) {
    unsigned char head[4];
    if (!take_bytes(head, sizeof head)) return CLOSED;
    *len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    return *len <= SEALWAX_FRAME_MAX && take_bytes(frame, *len) ? FRAME : CLOSED;
}

/* ---- The terminal ---- */

static void show_slice(const char *before, sealwax_slice text) {
    printf("%s%.*s", before, (int)text.len, text.len > 0 ? (const char *)text.ptr : "");
}

static void show(const sealwax_event_fields *event) {
    switch (event->kind) {
    case SEALWAX_EVENT_CONNECTED: printf("* connected"); break;
    case SEALWAX_EVENT_MESSAGE:
        show_slice("[", event->user);
        show_slice("] ", event->payload);
        break;
    case SEALWAX_EVENT_GROUP_MESSAGE:
        show_slice("[", event->user);
        show_slice(" to all] ", event->payload);
        break;
    case SEALWAX_EVENT_GROUP_CREATED:
    case SEALWAX_EVENT_GROUP_JOINED:
        memcpy(group, event->group.ptr, sizeof group);
        show_slice("* we are in ", event->label);
        break;
    case SEALWAX_EVENT_FAILED:
    case SEALWAX_EVENT_ERROR: printf("! %s", sealwax_status_text(event->status)); break;
    default: return; /* there will be more kinds */
    }
    printf("\n");
}

static char *word(char **line) {
    char *start = *line, *end = strchr(start, ' ');
    *line = end == NULL ? start + strlen(start) : end + 1;
    if (end != NULL) *end = 0;
    return start;
}

static void show_members(sealwax_client *client) {
    sealwax_member *members;
    size_t len = 0, each;
    sealwax_status status = sealwax_client_group_members(client, group, sizeof group, NULL, 0, &len);
    if (status != SEALWAX_BUFFER_TOO_SMALL) {
        printf("! %s\n", sealwax_status_text(status));
        return;
    }
    members = malloc(len);
    if (members == NULL) die("no memory");
    must(sealwax_client_group_members(client, group, sizeof group, members, len, &len));
    for (each = 0; each < len / sizeof *members; each++)
        printf("  %s%s\n", members[each].user, members[each].role == SEALWAX_ROLE_OWNER ? ", owner" : "");
    free(members);
}

/* One line of standard input. What it asks for leaves with the next turn of the loop. */
static void command(sealwax_client *client, char *line) {
    const char *verb = word(&line);
    sealwax_status status = SEALWAX_OK;
    uint8_t id[SEALWAX_ID_LEN];
    uint64_t request;
    if (strcmp(verb, "to") == 0) {
        const char *user = word(&line);
        status = sealwax_client_send_direct(client, user, strlen(user), SEALWAX_CONTENT_TEXT, line, strlen(line), 0,
                                            now_ms(), id);
    } else if (strcmp(verb, "group") == 0) {
        const char *label = word(&line);
        sealwax_slice members[32];
        size_t count = 0;
        for (; *line != 0 && count < 32; count++) {
            members[count].ptr = word(&line);
            members[count].len = strlen(members[count].ptr);
        }
        status = sealwax_client_create_group(client, label, strlen(label), members, count, 0, now_ms(), &request);
    } else if (strcmp(verb, "say") == 0) {
        status = sealwax_client_send_group(client, group, sizeof group, SEALWAX_CONTENT_TEXT, line, strlen(line), 0,
                                           now_ms(), id);
    } else if (strcmp(verb, "members") == 0) {
        show_members(client);
    } else {
        printf("  to NAME TEXT, group LABEL NAMES, say TEXT, members\n");
    }
    if (status != SEALWAX_OK) printf("! %s\n", sealwax_status_text(status));
}

static void take_lines(sealwax_client *client) {
    static char lines[1 << 16];
    static size_t len;
    char *end;
    ssize_t more = read(STDIN_FILENO, lines + len, sizeof lines - 1 - len);
    is_over = more <= 0;
    len += more > 0 ? (size_t)more : 0;
    lines[len] = 0;
    while ((end = strchr(lines, '\n')) != NULL) {
        *end = 0;
        command(client, lines);
        len -= (size_t)(end + 1 - lines);
        memmove(lines, end + 1, len + 1);
    }
}

/* ---- The loop ---- */

static int wait_for(sealwax_client *client, uint64_t due_ms, unsigned char *frame, size_t *frame_len) {
    const uint64_t now = now_ms(), left = due_ms > now ? due_ms - now : 0;
    struct pollfd polled[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};
    polled[1].fd = server;
    if (is_over) return CLOSED;
    /* Not too long: the clock may be set, and the machine may sleep. */
    if (poll(polled, 2, left < 10000 ? (int)left : 10000) <= 0) return TIME;
    if (polled[1].revents != 0) return take_frame(frame, frame_len);
    take_lines(client);
    return WOKEN;
}

/* Serves one connection; says how to go on without it. */
static uint32_t serve(sealwax_client *client) {
    static unsigned char frame[SEALWAX_FRAME_MAX];
    size_t len;
    sealwax_pending todo;
    sealwax_event *event;
    sealwax_event_fields fields;
    must(sealwax_client_connected(client, relay_name, strlen(relay_name), now_ms()));
    for (;;) {
        // If it fails, so has the client's store: free the client, and open it anew.
        must(sealwax_client_pending(client, &todo));
        // Room for SEALWAX_FRAME_MAX: a smaller buffer would stop here at a frame that is larger.
        while (sealwax_client_next_frame(client, frame, sizeof frame, &len) == SEALWAX_OK && len > 0)
            put_frame(frame, len);
        while (sealwax_client_next_event(client, &event) == SEALWAX_OK && event != NULL) {
            must(sealwax_event_view(event, &fields));
            show(&fields);
            // For good: what is confirmed never comes again.
            must(sealwax_client_confirm(client, fields.number));
            must(sealwax_event_free(event));
        }
        switch (todo.wants_disconnect ? CLOSED : wait_for(client, todo.due_ms, frame, &len)) {
        case FRAME: must(sealwax_client_receive(client, frame, len, now_ms())); break;
        case TIME: must(sealwax_client_tick(client, now_ms())); break;
        case WOKEN: break; // there were calls, perhaps of other threads: sealwax_client_on_wake()
        case CLOSED: must(sealwax_client_disconnected(client, now_ms())); return todo.reconnect;
        }
    }
}

/* Connects again and again, after pauses that grow, until it is over or somebody has to do something. */
static void keep_connected(sealwax_client *client, unsigned port) {
    uint64_t pause_ms = PAUSE_FIRST_MS;
    while (!is_over) {
        uint32_t how = SEALWAX_RECONNECT_SOON;
        uint64_t until = now_ms();
        if (call_relay(port)) {
            how = serve(client);
            hang_up();
            if (now_ms() - until >= STEADY_MS) pause_ms = PAUSE_FIRST_MS;
        }
        if (how == SEALWAX_RECONNECT_NEVER) return;
        if (how == SEALWAX_RECONNECT_LATE) pause_ms = PAUSE_LONGEST_MS;
        for (until = now_ms() + pause_ms / 2 + (uint64_t)rand() % (pause_ms / 2); !is_over && now_ms() < until;)
            (void)wait_for(client, until, NULL, NULL);
        pause_ms = 2 * pause_ms < PAUSE_LONGEST_MS ? 2 * pause_ms : PAUSE_LONGEST_MS;
    }
}

/* ---- From start to end ---- */

/* The key of the store. An application has a better place for it than a file beside the store. */
static void load_key(const char *path, unsigned char *key) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        FILE *random = fopen("/dev/urandom", "rb");
        if (random == NULL || fread(key, 1, SEALWAX_KEY_LEN, random) != SEALWAX_KEY_LEN) die("no randomness");
        fclose(random);
        file = fopen(path, "wb");
        if (file == NULL || fwrite(key, 1, SEALWAX_KEY_LEN, file) != SEALWAX_KEY_LEN) die("the key cannot be kept");
    } else if (fread(key, 1, SEALWAX_KEY_LEN, file) != SEALWAX_KEY_LEN) {
        die("the file holds no key");
    }
    if (fclose(file) != 0) die("the key cannot be kept");
}

int main(int argc, char **argv) {
    unsigned char key[SEALWAX_KEY_LEN];
    sealwax_client *client;
    sealwax_status status;
    if (argc != 5) die("usage: host PORT NAME STORE KEY");
    setvbuf(stdout, NULL, _IOLBF, 0);
    umask(077);
    srand((unsigned)now_ms());
    load_key(argv[4], key);
    status = sealwax_client_open(argv[3], strlen(argv[3]), key, sizeof key, options, strlen(options), now_ms(), &client);
    if (status == SEALWAX_WRONG_STATE) /* there is none yet */
        status = sealwax_client_create(argv[2], strlen(argv[2]), argv[3], strlen(argv[3]), key, sizeof key, options,
                                       strlen(options), now_ms(), &client);
    must(status);
    keep_connected(client, (unsigned)strtoul(argv[1], NULL, 10));
    must(sealwax_client_free(client));
    return sealwax_live_handles() == 0 ? 0 : 1;
}
