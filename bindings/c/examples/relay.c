/*
 * A relay: it carries what it cannot read between clients on this machine.
 *
 *     relay [--port 0] [--log FILE] [--hostile]
 *
 * It keeps everything in memory and believes each client the name that it says, which is fine on loopback; a real
 * relay authenticates (TLS, tokens), and stores what sealwax_deliveries_records() gives before it sends anything.
 * --log keeps a copy of all that arrives. --hostile takes orders from standard input (hostile.c).
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

enum { CONNECTIONS_MAX = 64, LOG_MAX = 1 << 22 };

typedef struct connection {
    int socket;                   /* 0: this place is free */
    char user[SEALWAX_NAME_MAX + 1]; /* empty before hello */
    buffer in, out;
} connection;

static sealwax_relay *relay;
static connection connections[CONNECTIONS_MAX];
static FILE *record;
static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static int is_here(sealwax_slice user) {
    for (connection *each = connections; each < connections + CONNECTIONS_MAX; each++) {
        if (each->socket != 0 && slice_is(user, each->user)) return 1;
    }
    return 0;
}

/* ---- What goes out ---- */

static void hand_over(sealwax_slice user, const frame *deliver) {
    for (connection *each = connections; each < connections + CONNECTIONS_MAX; each++) {
        if (each->socket != 0 && slice_is(user, each->user)) frame_put(&each->out, deliver);
    }
}

/* Each call on the relay answers what is to be stored, which this relay does not do, and what is to be sent. */
static void carry(sealwax_deliveries *deliveries) {
    const sealwax_delivery *each;
    size_t count;
    if (deliveries == NULL) return;
    must(sealwax_deliveries_view(deliveries, &each, &count), "deliveries");
    for (; count > 0; each++, count--) {
        frame deliver = {.type = FRAME_DELIVER, .number = each->sequence, .flags = each->flags};
        deliver.payload = each->payload;
        if (!hostile_holds(each->user)) hand_over(each->user, &deliver);
    }
    must(sealwax_deliveries_free(deliveries), "deliveries");
}

/* ---- What comes in ---- */

static void serve(connection *from, const frame *asked) {
    static unsigned char card[1024], bundle[4096], log[LOG_MAX];
    const char *user = from->user;
    size_t user_len = strlen(user), card_len = 0, bundle_len = 0, log_len = 0;
    const sealwax_slice payload = asked->payload;
    sealwax_slice named;
    const uint64_t now = now_ms();
    sealwax_deliveries *deliveries = NULL, *queued = NULL;
    sealwax_status status = SEALWAX_NOT_PERMITTED;
    frame answer = {.type = FRAME_OK, .request = asked->request};

    switch (user_len > 0 || asked->type == FRAME_HELLO ? asked->type : 0) {
    case FRAME_HELLO:
        /* Whose card it is stands behind the five bytes that start it; the relay checks that it is one. */
        if (user_len > 0 || asked->card.len < 6) break;
        named.len = ((const unsigned char *)asked->card.ptr)[5];
        named.ptr = (const unsigned char *)asked->card.ptr + 6;
        if (asked->card.len - 6 < named.len || memchr(named.ptr, 0, named.len) != NULL || is_here(named)) break;
        status = sealwax_relay_register(relay, named.ptr, named.len, asked->card.ptr, asked->card.len, now, &deliveries);
        if (status != SEALWAX_OK) break;
        memcpy(from->user, named.ptr, named.len);
        printf("hello of %s, taken on its word\n", from->user);
        answer.type = FRAME_WELCOME;
        status = sealwax_relay_set_online(relay, named.ptr, named.len, 1, now, &queued);
        break;
    case FRAME_PREKEYS:
        status = sealwax_relay_publish(relay, user, user_len, payload.ptr, payload.len, now, &deliveries);
        break;
    case FRAME_LOOKUP:
        status = sealwax_relay_lookup(relay, user, user_len, asked->user.ptr, asked->user.len, now, card, sizeof card,
                                      &card_len, bundle, sizeof bundle, &bundle_len, &deliveries);
        answer.type = FRAME_FOUND;
        answer.card = (sealwax_slice){card, card_len};
        answer.payload = (sealwax_slice){bundle, bundle_len};
        hostile_answer(asked->user, &answer);
        break;
    case FRAME_COMMIT:
        status = sealwax_relay_commit(relay, user, user_len, payload.ptr, payload.len, now, &deliveries);
        break;
    case FRAME_FETCH_LOG:
        status = sealwax_relay_log(relay, user, user_len, asked->group_id.ptr, asked->group_id.len, asked->number, log,
                                   sizeof log, &log_len);
        answer.type = FRAME_LOG;
        answer.payload = (sealwax_slice){log, log_len};
        break;
    case FRAME_SEND:
        status = sealwax_relay_route(relay, user, user_len, payload.ptr, payload.len, now, &deliveries);
        break;
    case FRAME_ACKNOWLEDGE:
        status = sealwax_relay_acknowledge(relay, user, user_len, asked->number, now, &deliveries);
        break;
    default: break;
    }

    if (status == SEALWAX_OK && asked->type == FRAME_ACKNOWLEDGE) {
        carry(deliveries);
        return; /* not answered */
    }
    if (status != SEALWAX_OK) {
        answer = (frame){.type = FRAME_ERROR, .request = asked->request, .status = status};
        answer.text = slice_of(sealwax_status_text(status));
    }
    frame_put(&from->out, &answer);
    carry(deliveries);
    carry(queued);
}

static void leave(connection *gone) {
    sealwax_deliveries *deliveries = NULL;
    /* UNKNOWN_USER if it left before it showed a card. */
    if (sealwax_relay_set_online(relay, gone->user, strlen(gone->user), 0, now_ms(), &deliveries) == SEALWAX_OK) {
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
    for (;;) {
        frame asked;
        long taken = frame_take(from->in.bytes, from->in.len, &asked);
        if (taken == 0) return;
        if (taken < 0) {
            leave(from);
            return;
        }
        if (record != NULL) {
            fwrite(from->in.bytes, 1, (size_t)taken, record);
            fflush(record);
        }
        serve(from, &asked);
        buffer_drop(&from->in, (size_t)taken);
    }
}

static void transmit(connection *to) {
    ssize_t len = send(to->socket, to->out.bytes, to->out.len, 0);
    if (len > 0) buffer_drop(&to->out, (size_t)len);
    if (len < 0 && errno != EAGAIN && errno != EINTR) leave(to);
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
    int joined = accept(listener, NULL, NULL);
    connection *place = connections;
    if (joined < 0) return;
    while (place < connections + CONNECTIONS_MAX && place->socket != 0) place++;
    if (place == connections + CONNECTIONS_MAX || fcntl(joined, F_SETFL, O_NONBLOCK) != 0) {
        close(joined);
        return;
    }
    place->socket = joined;
}

static void run(int listener, int orders) {
    struct pollfd polled[CONNECTIONS_MAX + 2];
    while (!stopped) {
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            polled[i].fd = connections[i].socket != 0 ? connections[i].socket : -1;
            polled[i].events = connections[i].out.len > 0 ? POLLIN | POLLOUT : POLLIN;
            polled[i].revents = 0;
        }
        polled[CONNECTIONS_MAX] = (struct pollfd){.fd = listener, .events = POLLIN};
        polled[CONNECTIONS_MAX + 1] = (struct pollfd){.fd = orders, .events = POLLIN};
        if (poll(polled, CONNECTIONS_MAX + 2, -1) < 0) continue; /* a signal: look whether to stop */
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
        } else {
            die("usage: relay [--port 0] [--log FILE] [--hostile]");
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    /* Without SA_RESTART, so that poll returns. */
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);

    must(sealwax_relay_new(NULL, 0, &relay), "relay");
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
