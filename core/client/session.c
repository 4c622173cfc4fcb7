#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "value/error.h"

static int check_ca_file(const finseg_config *config, finseg_error **error)
{
    if (!config->ca_file || access(config->ca_file, R_OK) == 0)
        return 0;
    return fs_error_give(error, fs_error_new(FINSEG_ERROR_CONFIG, "config: ca_file: %s cannot be read: %s",
                                             config->ca_file, strerror(errno)));
}

static int open_io(struct fs_session *session, finseg_error **error)
{
    const finseg_config *config = session->config;
    if (fs_loop_open(&session->loop) != 0)
        return fs_error_give(error, fs_error_system(FINSEG_ERROR_RESOURCE, "the client's event set", errno));
    session->loop_open = true;
    struct fs_transport_options options = {
        .ca_file = config->ca_file,
        .proxy = config->proxy,
        .user_agent = config->user_agent,
        .timeout = config->timeout,
        .connect_timeout = config->connect_timeout,
        .max_body = config->max_body,
    };
    session->transport_open = fs_transport_open(&session->transport, &session->loop, &options);
    return session->transport_open ? 0 : fs_error_give(error, fs_error_out_of_memory());
}

int fs_session_open(struct fs_session *session, const finseg_config *config, finseg_error **error)
{
    session->config = config;
    session->poll = (struct fs_poll_schedule){config->poll_first, config->poll_factor, config->poll_max};
    session->slow_poll = (struct fs_poll_schedule){config->poll_callback, 1, config->poll_callback};
    session->retry =
        (struct fs_retry_schedule){(unsigned)config->retry_attempts, config->retry_base, config->retry_max};
    fs_random_seed(&session->random);
    fs_event_log_init(&session->events, config->log, &session->secrets);
    if (!fs_config_add_secrets(config, &session->secrets))
        return fs_error_give(error, fs_error_out_of_memory());
    if (fs_config_check_credentials(config, error) != 0 ||
        fs_config_read_url(config, "base_url", config->base_url, &session->base, error) != 0 ||
        check_ca_file(config, error) != 0)
        return -1;
    return open_io(session, error);
}

void fs_session_close(struct fs_session *session, bool ours)
{
    if (session->transport_open && ours)
        fs_transport_close(&session->transport);
    if (session->loop_open)
        fs_loop_close(&session->loop);
    fs_event_log_free(&session->events);
    fs_secrets_free(&session->secrets);
    fs_url_free(&session->base);
}
