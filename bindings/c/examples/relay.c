/*
 * A relay: it carries what it cannot read between clients on this machine.
 *
 *     relay [--port 0] [--log FILE] [--hostile]
 *
 * The library speaks the protocol; this program moves its frames between sockets. It keeps everything in memory and
 * believes each client the name on its card, which is fine on loopback; a real relay authenticates (TLS, tokens, or
 * the proof that sealwax_relay_connect() asks for without a user), and stores what sealwax_deliveries_records() gives
 * before it sends anything. --log keeps a copy of all that arrives. --hostile takes orders from standard input
 * (hostile.c).
 */
#define _POSIX_C_SOURCE 200809L

#include "frames.h"
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64 };

typedef struct connection {
    int socket;                      /* 0: this place is free */
    uint64_t number;                 /* what the relay knows it by: never that of another, also later */
    int is_known, closes;            /* to the relay; once all is sent */
    char user[SEALWAX_NAME_MAX + 1]; /* empty before hello */
    buffer in, out;
} connection;

/* The clients here do not ping. */
static const char options[] = "{\"name\":\"the example relay\",\"idle_ms\":86400000}";

static sealwax_relay *relay;
static connection connections[CONNECTIONS_MAX];
static FILE *record;
static int is_hostile;
static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

/* NULL if it is gone. */
static connection *numbered(uint64_t number) {
    connection *it = connections;
    while (it < connections + CONNECTIONS_MAX && (it->socket == 0 || it->number != number)) it++;
    return it < connections + CONNECTIONS_MAX ? it : NULL;
}

/* Whose card it is stands behind the five bytes that start it; nothing if this is none. */
static sealwax_slice user_of(sealwax_slice card) {
    const unsigned char *bytes = card.ptr;
    sealwax_slice user = {bytes, 0};
    if (card.len < 6 || card.len - 6 < bytes[5] || memchr(bytes + 6, 0, bytes[5]) != NULL) return user;
    user.ptr = bytes + 6;
    user.len = bytes[5];
    return user;
}

/* ---- What goes out ---- */

static void hand_over(sealwax_slice user, const frame *deliver) {
    for (connection *each = connections; each < connections + CONNECTIONS_MAX; each++) {
        if (each->socket != 0 && slice_is(user, each->user)) frame_put(&each->out, deliver);
    }
}

/* A frame of the relay: its length, what stands before the payload, and the payload. */
static void put_whole(buffer *to, const sealwax_delivery *from) {
    const size_t len = from->head.len + from->payload.len;
    unsigned char length[4];
    for (int i = 0; i < 4; i++) length[i] = (unsigned char)(len >> (8 * (3 - i)));
    if (len == 0) return;
    buffer_add(to, length, sizeof length);
    buffer_add(to, from->head.ptr, from->head.len);
    buffer_add(to, from->payload.ptr, from->payload.len);
}

/* What an honest relay would not do: it lies about cards. */
static void put_altered(buffer *to, const sealwax_delivery *from) {
    buffer honest = {0};
    frame answer;
    put_whole(&honest, from);
    if (frame_take(honest.bytes, honest.len, &answer) > 0 && answer.type == FRAME_FOUND) {
        hostile_answer(user_of(answer.card), &answer);
        frame_put(to, &answer);
    } else {
        buffer_add(to, honest.bytes, honest.len);
    }
    buffer_free(&honest);
}

/* Each call on the relay answers what is to be stored, which this relay does not do, and what is to be sent. */
static void carry(sealwax_deliveries *deliveries) {
    const sealwax_delivery *each;
    size_t count;
    must(sealwax_deliveries_view(deliveries, &each, &count), "deliveries");
    for (; count > 0; each++, count--) {
        connection *to = numbered(each->connection);
        if (to == NULL) continue;
        if (each->payload.len > 0 && hostile_holds(each->user)) continue;
        if (is_hostile) put_altered(&to->out, each);
        else put_whole(&to->out, each);
        if ((each->flags & SEALWAX_DELIVERY_CLOSE) != 0) to->closes = 1;
    }
    must(sealwax_deliveries_free(deliveries), "deliveries");
}

/* ---- What comes in ---- */

/* The first frame of a connection names its user, and is believed. */
static void introduce(connection *it, const frame *hello) {
    sealwax_deliveries *deliveries;
    sealwax_slice user = user_of(hello->card);
    sealwax_status status =
        sealwax_relay_connect(relay, it->number, user.ptr, user.len, now_ms(), &deliveries);
    if (status == SEALWAX_INVALID_TEXT) {
        status = sealwax_relay_connect(relay, it->number, NULL, 0, now_ms(), &deliveries);
    } else if (user.len > 0) {
        memcpy(it->user, user.ptr, user.len);
        printf("hello of %s, taken on its word\n", it->user);
    }
    must(status, "connection");
    it->is_known = 1;
    carry(deliveries);
}

static void leave(connection *gone) {
    sealwax_deliveries *deliveries;
    if (gone->is_known) {
        must(sealwax_relay_disconnect(relay, gone->number, now_ms(), &deliveries), "connection");
        gone->closes = 0;
        carry(deliveries);
    }
    close(gone->socket);
    buffer_free(&gone->in);
    buffer_free(&gone->out);
    memset(gone, 0, sizeof *gone);
}

static void receive(connection *from) {
    static unsigned char chunk[65536];
    ssize_t len = recv(from->socket, chunk, sizeof chunk, 0);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (len <= 0) {
        leave(from);
        return;
    }
    buffer_add(&from->in, chunk, (size_t)len);
    while (from->in.len >= 4) {
        const unsigned char *at = from->in.bytes;
        const size_t frame_len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        sealwax_deliveries *deliveries;
        frame asked;
        if (frame_len > SEALWAX_FRAME_MAX) {
            leave(from);
            return;
        }
        if (from->in.len - 4 < frame_len) return;
        if (record != NULL) {
            fwrite(at, 1, 4 + frame_len, record);
            fflush(record);
        }
        if (!from->is_known) {
            frame_take(at, from->in.len, &asked);
            introduce(from, &asked);
        }
        must(sealwax_relay_receive(relay, from->number, at + 4, frame_len, now_ms(), &deliveries), "frame");
        carry(deliveries);
        buffer_drop(&from->in, 4 + frame_len);
    }
}

static void transmit(connection *to) {
    ssize_t len = send(to->socket, to->out.bytes, to->out.len, 0);
    if (len > 0) buffer_drop(&to->out, (size_t)len);
    if (len < 0 && errno != EAGAIN && errno != EINTR) leave(to);
}

/* Closes who was silent for too long; answers how long to wait before the next time, for poll. */
static int tick(void) {
    sealwax_deliveries *deliveries;
    uint64_t due, now = now_ms();
    must(sealwax_relay_tick(relay, now, &due, &deliveries), "tick");
    carry(deliveries);
    if (due == UINT64_MAX) return -1;
    return due - now < 60000 ? (int)(due - now) : 60000;
}

/* ---- Sockets ---- */

static int listen_on(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof address;
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        die("the relay cannot listen on this port");
    }
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    return listener;
}

static void admit(int listener) {
    static uint64_t last_number;
    int joined = accept(listener, NULL, NULL);
    connection *place = connections;
    if (joined < 0) return;
    while (place < connections + CONNECTIONS_MAX && place->socket != 0) place++;
    if (place == connections + CONNECTIONS_MAX || fcntl(joined, F_SETFL, O_NONBLOCK) != 0) {
        close(joined);
        return;
    }
    place->socket = joined;
    place->number = ++last_number;
}

static void run(int listener, int orders) {
    struct pollfd polled[CONNECTIONS_MAX + 2];
    while (!stopped) {
        int wait = tick();
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            if (connections[i].closes && connections[i].out.len == 0) leave(&connections[i]);
            polled[i].fd = connections[i].socket != 0 ? connections[i].socket : -1;
            polled[i].events = connections[i].out.len > 0 ? POLLIN | POLLOUT : POLLIN;
            polled[i].revents = 0;
        }
        polled[CONNECTIONS_MAX] = (struct pollfd){.fd = listener, .events = POLLIN};
        polled[CONNECTIONS_MAX + 1] = (struct pollfd){.fd = orders, .events = POLLIN};
        if (poll(polled, CONNECTIONS_MAX + 2, wait) < 0) continue; /* a signal: look whether to stop */
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            if ((polled[i].revents & POLLOUT) != 0) transmit(&connections[i]);
            if ((polled[i].revents & ~POLLOUT) != 0 && connections[i].socket != 0) receive(&connections[i]);
        }
        if (polled[CONNECTIONS_MAX].revents != 0) admit(listener);
        if (polled[CONNECTIONS_MAX + 1].revents != 0 && !hostile_obey(hand_over)) return;
    }
}

int main(int argc, char **argv) {
    unsigned port = 0;
    int orders = -1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc) {
            record = fopen(argv[++i], "wb");
            if (record == NULL) die("the log cannot be written");
        } else if (strcmp(argv[i], "--hostile") == 0) {
            orders = STDIN_FILENO;
            is_hostile = 1;
        } else {
            die("usage: relay [--port 0] [--log FILE] [--hostile]");
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    /* Without SA_RESTART, so that poll returns. */
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);

    must(sealwax_relay_new(options, sizeof options - 1, &relay), "relay");
    int listener = listen_on(port);
    run(listener, orders);

    for (connection *each = connections; each < connections + CONNECTIONS_MAX; each++) {
        if (each->socket != 0) leave(each);
    }
    hostile_end();
    close(listener);
    if (record != NULL) fclose(record);
    must(sealwax_relay_free(relay), "relay");
    return sealwax_live_handles() == 0 ? 0 : 1;
}
