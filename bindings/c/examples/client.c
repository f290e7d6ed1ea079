/*
 * A client for direct and group messages.
 *
 *     client PORT NAME
 *
 * Commands come from standard input, one a line; `help` lists them. It is in one group at a time and keeps nothing
 * when it ends: sealwax_identity_export() and its kin are what a real client saves with, before it sends.
 */
#define _POSIX_C_SOURCE 200809L

#include "frames.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS_MAX = 64, ONE_TIME_PREKEYS = 20 };

typedef struct peer {
    char name[SEALWAX_NAME_MAX + 1];
    char pin[2 * SEALWAX_FINGERPRINT_LEN + 1]; /* the only fingerprint that is taken; empty for any */
    sealwax_session *session;
} peer;

static sealwax_identity *identity;
static peer peers[PEERS_MAX];

/* Our group. The sender and the receiver see at once what is applied to the roster. */
static sealwax_roster *roster;
static sealwax_group_sender *sender;
static sealwax_group_receiver *receiver;

static int server;
static uint32_t requests;
static buffer in;      /* from the socket; */
static long taken;     /* the frame at its front that is in use */
static buffer waiting; /* deliveries that came while we waited for an answer */

/* Large enough for each thing that comes out of the library here. */
static unsigned char out[1 << 22];
static size_t out_len;

/* ---- What the user sees ---- */

static void refused(const char *what, sealwax_slice of, sealwax_status status) {
    printf("! %s of %.*s refused: %s\n", what, (int)of.len, (const char *)of.ptr, sealwax_status_name(status));
}

static int failed(const char *what, sealwax_status status) {
    if (status == SEALWAX_OK) return 0;
    printf("! %s: %s\n", what, sealwax_status_name(status));
    return 1;
}

/*
 * Copies the text of the next string at *at and moves on; 0 if there is none before `end`. A real program uses a
 * JSON library; names with quotes are cut short here.
 */
static int next_string(const char **at, char end, char *text, size_t text_cap) {
    size_t len = 0;
    while (**at != '"' && **at != end && **at != 0) ++*at;
    if (**at != '"') return 0;
    for (++*at; **at != '"' && **at != 0; ++*at) {
        if (len + 1 < text_cap) text[len++] = **at;
    }
    text[len] = 0;
    if (**at == '"') ++*at;
    return 1;
}

static void show_members(void) {
    char name[SEALWAX_NAME_MAX + 1];
    must(sealwax_roster_info(roster, out, sizeof out - 1, &out_len), "roster");
    out[out_len] = 0;
    const char *at = strstr((char *)out, "\"label\":");
    at += strlen("\"label\":");
    next_string(&at, '}', name, sizeof name);
    printf("* %s has", name);
    const char *between = " ";
    for (at = (char *)out; (at = strstr(at, "\"user\":")) != NULL; between = ", ") {
        at += strlen("\"user\":");
        next_string(&at, '}', name, sizeof name);
        printf("%s%s", between, name);
    }
    printf("\n");
}

/* ---- The relay ---- */

static void transmit(frame *it) {
    buffer bytes = {0};
    it->request = it->type == FRAME_ACKNOWLEDGE ? 0 : ++requests;
    frame_put(&bytes, it);
    for (size_t sent = 0; sent < bytes.len;) {
        ssize_t len = send(server, bytes.bytes + sent, bytes.len - sent, 0);
        if (len <= 0) die("the relay is gone");
        sent += (size_t)len;
    }
    buffer_free(&bytes);
}

/* Whether a frame has arrived whole. */
static int has_frame(void) {
    frame it;
    buffer_drop(&in, (size_t)taken);
    taken = 0;
    return frame_take(in.bytes, in.len, &it) != 0;
}

/* Takes one frame from the socket. It stays valid until the next one. */
static void next_frame(frame *it) {
    static unsigned char chunk[65536];
    buffer_drop(&in, (size_t)taken);
    while ((taken = frame_take(in.bytes, in.len, it)) == 0) {
        ssize_t len = recv(server, chunk, sizeof chunk, 0);
        if (len <= 0) die("the relay is gone");
        buffer_add(&in, chunk, (size_t)len);
    }
    if (taken < 0) die("the relay talks nonsense");
}

/* Asks the relay and waits for its answer. Deliveries that come first are kept for later. */
static sealwax_status ask(frame question, frame *answer) {
    transmit(&question);
    for (;;) {
        next_frame(answer);
        if (answer->type == FRAME_DELIVER) {
            frame_put(&waiting, answer);
        } else if (answer->request == question.request) {
            return answer->type == FRAME_ERROR ? answer->status : SEALWAX_OK;
        }
    }
}

static int tell(const char *what, unsigned type, sealwax_slice payload) {
    frame answer;
    return !failed(what, ask((frame){.type = type, .payload = payload}, &answer));
}

static sealwax_slice made(void) {
    sealwax_slice slice = {out, out_len};
    return slice;
}

/* ---- Sessions ---- */

static peer *peer_of(sealwax_slice name) {
    peer *place = NULL;
    for (peer *each = peers; each < peers + PEERS_MAX; each++) {
        if (slice_is(name, each->name)) return each;
        if (place == NULL && each->session == NULL && each->pin[0] == 0) place = each;
    }
    if (place == NULL || name.len >= sizeof place->name) die("too many peers");
    memset(place, 0, sizeof *place);
    memcpy(place->name, name.ptr, name.len);
    return place;
}

static const char *session_options(const peer *with) {
    static char options[128];
    snprintf(options, sizeof options, with->pin[0] != 0 ? "{\"peer_fingerprint\":\"%s\"}" : "{}", with->pin);
    return options;
}

/* The session with a peer; the first time, from the card and prekeys that the relay has of it. */
static sealwax_status meet(peer *with) {
    frame found;
    if (with->session != NULL) return SEALWAX_OK;
    sealwax_status status = ask((frame){.type = FRAME_LOOKUP, .user = slice_of(with->name)}, &found);
    if (status != SEALWAX_OK) return status;
    const char *options = session_options(with);
    return sealwax_session_initiate(identity, found.card.ptr, found.card.len, found.payload.ptr, found.payload.len,
                                    options, strlen(options), now_ms(), &with->session);
}

static void send_direct(const char *name, const char *text) {
    peer *to = peer_of(slice_of(name));
    if (failed(name, meet(to))) return;
    sealwax_status status =
        sealwax_session_encrypt(to->session, text, strlen(text), now_ms(), out, sizeof out, &out_len);
    if (!failed(name, status)) tell(name, FRAME_SEND, made());
}

static void receive_direct(const sealwax_envelope *header, sealwax_slice envelope) {
    peer *from = peer_of(header->sender);
    const char *options = session_options(from);
    if (from->session == NULL) {
        sealwax_status status = sealwax_session_accept(identity, envelope.ptr, envelope.len, options, strlen(options),
                                                       now_ms(), &from->session);
        if (status != SEALWAX_OK) {
            refused("message", header->sender, status);
            return;
        }
    }
    sealwax_status status =
        sealwax_session_decrypt(from->session, envelope.ptr, envelope.len, now_ms(), out, sizeof out, &out_len);
    if (status == SEALWAX_OK) {
        printf("[%s] %.*s\n", from->name, (int)out_len, (char *)out);
    } else if (status == SEALWAX_WRONG_KIND && receiver != NULL) {
        /* Not for reading: the sender key of a member. It goes straight into the receiver. */
        status = sealwax_group_receiver_install(receiver, from->session, envelope.ptr, envelope.len, now_ms());
        if (status == SEALWAX_OK) printf("* have the group key of %s\n", from->name);
    }
    if (status != SEALWAX_OK) refused("message", header->sender, status);
}

/* ---- The group ---- */

static void take_group(sealwax_roster *opened) {
    roster = opened;
    must(sealwax_group_receiver_new(identity, roster, NULL, 0, now_ms(), &receiver), "group receiver");
}

static void leave_group(void) {
    must(sealwax_group_sender_free(sender), "group sender");
    must(sealwax_group_receiver_free(receiver), "group receiver");
    must(sealwax_roster_free(roster), "roster");
}

/* Every change of the membership is an entry that a member signed; the library checks each one. */
static void receive_entry(const sealwax_envelope *header, sealwax_slice entry) {
    sealwax_status status;
    frame log;
    if (roster != NULL) {
        status = sealwax_roster_apply(roster, entry.ptr, entry.len, now_ms());
    } else {
        /* A new group. Its first entry is a whole log; of a later one, the relay has what came before. */
        sealwax_slice entries = entry;
        if (header->group.ptr != NULL) {
            status = ask((frame){.type = FRAME_FETCH_LOG, .group_id = header->group}, &log);
            if (failed("roster", status)) return;
            entries = log.payload;
        }
        sealwax_roster *opened;
        status = sealwax_roster_open(entries.ptr, entries.len, &opened);
        if (status == SEALWAX_OK) take_group(opened);
    }
    if (status == SEALWAX_OK) show_members();
    else refused("roster entry", header->sender, status);
}

/* Hands our sender key to each member that has not had it. */
static void distribute(void) {
    static char info[1 << 20];
    char name[SEALWAX_NAME_MAX + 1];
    size_t info_len;
    must(sealwax_group_sender_info(sender, info, sizeof info - 1, &info_len), "group sender");
    info[info_len] = 0;
    const char *at = strstr(info, "\"waiting\":");
    for (at += strlen("\"waiting\":"); next_string(&at, ']', name, sizeof name);) {
        peer *to = peer_of(slice_of(name));
        if (failed(name, meet(to))) continue;
        /* Refused unless the session is with the very identity that the roster names. */
        sealwax_status status =
            sealwax_group_sender_distribute(sender, to->session, now_ms(), out, sizeof out, &out_len);
        if (!failed(name, status)) {
            tell(name, FRAME_SEND, made());
        } else if (status == SEALWAX_IDENTITY_CHANGED) {
            must(sealwax_session_free(to->session), "session");
            to->session = NULL;
        }
    }
}

static void send_group(const char *text) {
    if (roster == NULL) {
        printf("! there is no group\n");
        return;
    }
    if (sender == NULL) {
        if (failed("group", sealwax_group_sender_new(identity, roster, NULL, 0, now_ms(), &sender))) return;
    }
    sealwax_status status;
    for (;;) {
        distribute();
        status = sealwax_group_sender_encrypt(sender, text, strlen(text), now_ms(), out, sizeof out, &out_len);
        if (status != SEALWAX_ROTATION_REQUIRED) break;
        /* The membership changed: a fresh key, for those who are members now. */
        if (failed("group", sealwax_group_sender_rotate(sender, now_ms()))) return;
    }
    if (!failed("group", status)) tell("group", FRAME_SEND, made());
}

static void receive_group(const sealwax_envelope *header, sealwax_slice envelope) {
    sealwax_status status =
        sealwax_group_receiver_decrypt(receiver, envelope.ptr, envelope.len, now_ms(), out, sizeof out, &out_len);
    if (status == SEALWAX_OK) {
        printf("[%.*s to all] %.*s\n", (int)header->sender.len, (const char *)header->sender.ptr, (int)out_len,
               (char *)out);
    } else {
        refused("group message", header->sender, status);
    }
}

/* The cards of users, one after another, in `cards`; 0 if one is not to be had. */
static int collect_cards(const char *names, buffer *cards) {
    char list[1024];
    snprintf(list, sizeof list, "%s", names);
    for (char *name = strtok(list, " "); name != NULL; name = strtok(NULL, " ")) {
        frame found;
        if (failed(name, ask((frame){.type = FRAME_LOOKUP, .user = slice_of(name)}, &found))) return 0;
        buffer_add(cards, found.card.ptr, found.card.len);
    }
    return 1;
}

static void create_group(const char *label, const char *members) {
    buffer cards = {0};
    if (roster != NULL) {
        printf("! already in a group\n");
    } else if (collect_cards(members, &cards)) {
        sealwax_roster *created;
        sealwax_status status = sealwax_roster_create(identity, label, strlen(label), cards.bytes, cards.len, NULL, 0,
                                                      now_ms(), &created);
        if (!failed("group", status)) {
            take_group(created);
            must(sealwax_roster_log(roster, 0, out, sizeof out, &out_len), "roster");
            tell("group", FRAME_COMMIT, made()); /* it comes back to all members, to us too */
        }
    }
    buffer_free(&cards);
}

static void add_members(const char *names) {
    buffer cards = {0};
    if (roster != NULL && collect_cards(names, &cards)) {
        sealwax_status status = sealwax_roster_propose_add(roster, identity, cards.bytes, cards.len,
                                                           SEALWAX_ROLE_MEMBER, now_ms(), out, sizeof out, &out_len);
        if (!failed("add", status)) tell("add", FRAME_COMMIT, made());
    }
    buffer_free(&cards);
}

static void remove_member(const char *name) {
    if (roster == NULL) return;
    sealwax_status status = sealwax_roster_propose_remove(roster, identity, name, strlen(name), now_ms(), out,
                                                          sizeof out, &out_len);
    if (!failed("remove", status)) tell("remove", FRAME_COMMIT, made());
}

/* ---- Whom are we talking to? ---- */

static void show_safety_number(const char *name) {
    unsigned char card[1024], qr[128];
    char digits[SEALWAX_SAFETY_DIGITS + 1];
    size_t card_len, qr_len;
    frame found;
    if (failed(name, ask((frame){.type = FRAME_LOOKUP, .user = slice_of(name)}, &found))) return;
    must(sealwax_identity_card(identity, card, sizeof card, &card_len), "card");
    sealwax_status status = sealwax_card_safety_number(card, card_len, found.card.ptr, found.card.len, digits, qr,
                                                       sizeof qr, &qr_len);
    if (failed(name, status)) return;
    printf("* safety number with %s:", name);
    for (int i = 0; i < SEALWAX_SAFETY_DIGITS; i += 5) printf(" %.5s", digits + i);
    printf("\n");
}

static void show_fingerprint(void) {
    char fingerprint[2 * SEALWAX_FINGERPRINT_LEN + 1];
    must(sealwax_identity_info(identity, out, sizeof out - 1, &out_len), "identity");
    out[out_len] = 0;
    const char *at = strstr((char *)out, "\"fingerprint\":");
    at += strlen("\"fingerprint\":");
    next_string(&at, '}', fingerprint, sizeof fingerprint);
    printf("* my fingerprint: %s\n", fingerprint);
}

/* ---- The two sources of events ---- */

static void receive(const frame *deliver) {
    sealwax_envelope header;
    sealwax_slice payload = deliver->payload;
    if (payload.len == 0) return; /* the end of what had gathered while we were away */
    sealwax_status status = sealwax_envelope_parse(payload.ptr, payload.len, &header);
    if (status != SEALWAX_OK) {
        printf("! what came is no envelope: %s\n", sealwax_status_name(status));
    } else if (header.kind == SEALWAX_KIND_ROSTER_ENTRY) {
        receive_entry(&header, payload);
    } else if (header.kind == SEALWAX_KIND_GROUP) {
        receive_group(&header, payload);
    } else {
        receive_direct(&header, payload);
    }
    transmit(&(frame){.type = FRAME_ACKNOWLEDGE, .number = deliver->number});
}

static void receive_waiting(void) {
    frame deliver;
    while (waiting.len > 0) {
        /* Handling one may ask the relay and so add more. */
        buffer now = waiting;
        waiting = (buffer){0};
        for (size_t at = 0; at < now.len;) {
            at += (size_t)frame_take(now.bytes + at, now.len - at, &deliver);
            receive(&deliver);
        }
        buffer_free(&now);
    }
}

static int command(char *line) {
    char *rest = strchr(line, ' ');
    char *more = "";
    if (rest != NULL) *rest++ = 0;
    else rest = "";
    if (strcmp(line, "to") == 0 || strcmp(line, "pin") == 0 || strcmp(line, "group") == 0) {
        more = strchr(rest, ' ');
        if (more != NULL) *more++ = 0;
        else more = "";
    }

    if (strcmp(line, "to") == 0) send_direct(rest, more);
    else if (strcmp(line, "group") == 0) create_group(rest, more);
    else if (strcmp(line, "say") == 0) send_group(rest);
    else if (strcmp(line, "add") == 0) add_members(rest);
    else if (strcmp(line, "remove") == 0) remove_member(rest);
    else if (strcmp(line, "verify") == 0) show_safety_number(rest);
    else if (strcmp(line, "fingerprint") == 0) show_fingerprint();
    else if (strcmp(line, "pin") == 0 && *rest != 0) snprintf(peer_of(slice_of(rest))->pin, 65, "%s", more);
    else if (strcmp(line, "quit") == 0) return 0;
    else if (*line != 0) {
        printf("  to NAME TEXT         a direct message\n"
               "  group LABEL NAMES    make a group\n"
               "  say TEXT             a message to the group\n"
               "  add NAMES            add members\n"
               "  remove NAME          remove a member\n"
               "  verify NAME          the safety number, to compare by telephone\n"
               "  fingerprint          my own\n"
               "  pin NAME HEX         take no other fingerprint for NAME\n"
               "  quit\n");
    }
    return 1;
}

/* Takes the whole lines from standard input; 0 to end. */
static int read_commands(void) {
    static char lines[1 << 16];
    static size_t len;
    ssize_t more = read(STDIN_FILENO, lines + len, sizeof lines - 1 - len);
    if (more <= 0) return 0;
    len += (size_t)more;
    lines[len] = 0;
    for (char *end; (end = strchr(lines, '\n')) != NULL;) {
        *end = 0;
        if (!command(lines)) return 0;
        len -= (size_t)(end + 1 - lines);
        memmove(lines, end + 1, len + 1);
    }
    return 1;
}

static void run(void) {
    struct pollfd polled[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    for (;;) {
        frame it;
        receive_waiting();
        int here = has_frame();
        if (poll(polled, 2, here ? 0 : -1) < 0) return;
        if (here || polled[1].revents != 0) {
            next_frame(&it);
            /* Else it tells who is here, or that an acknowledgement was refused. */
            if (it.type == FRAME_DELIVER) frame_put(&waiting, &it);
        } else if (polled[0].revents != 0 && !read_commands()) {
            return;
        }
    }
}

/* ---- From start to end ---- */

static void join(unsigned port, const char *name) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    frame answer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (struct sockaddr *)&address, sizeof address) != 0) die("there is no relay");

    must(sealwax_identity_new(name, strlen(name), NULL, 0, now_ms(), &identity), "identity");
    must(sealwax_identity_card(identity, out, sizeof out, &out_len), "card");
    must(ask((frame){.type = FRAME_HELLO, .card = made()}, &answer), "the relay says to hello");
    must(sealwax_identity_prekeys(identity, ONE_TIME_PREKEYS, now_ms(), out, sizeof out, &out_len), "prekeys");
    must(ask((frame){.type = FRAME_PREKEYS, .payload = made()}, &answer), "the relay says to the prekeys");
    printf("* %s is here (C)\n", name);
}

int main(int argc, char **argv) {
    if (argc != 3) die("usage: client PORT NAME");
    setvbuf(stdout, NULL, _IOLBF, 0);
    join((unsigned)strtoul(argv[1], NULL, 10), argv[2]);
    run();

    for (peer *each = peers; each < peers + PEERS_MAX; each++) must(sealwax_session_free(each->session), "session");
    leave_group();
    must(sealwax_identity_free(identity), "identity");
    close(server);
    buffer_free(&in);
    buffer_free(&waiting);
    return sealwax_live_handles() == 0 ? 0 : 1;
}
