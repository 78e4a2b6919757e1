#include "support/fake_upstream.hpp"

#include <utility>

namespace sluicegate::support {
namespace {

/// How long a thread stays in the kernel before it looks whether the server stops or the peer left.
constexpr milliseconds slice{5};

std::string word(const std::string& line, int index) {
    std::size_t start = 0;
    for (int i = 0; i < index; ++i) start = line.find(' ', start) + 1;
    return line.substr(start, line.find(' ', start) - start);
}

}  // namespace

std::string ReceivedRequest::method() const {
    return word(head.start_line, 0);
}
std::string ReceivedRequest::target() const {
    return word(head.start_line, 1);
}

FakeUpstream::FakeUpstream(SslContext tls) : tls_(std::move(tls)) {
    answer_with(
        [](const ReceivedRequest& request) { return Script().send(answer_to(request.target())); });
    acceptor_ = std::thread([this] { accept_loop(); });
}

FakeUpstream::~FakeUpstream() {
    is_stopping_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
}

std::string FakeUpstream::base_url(const std::string& host) const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port()) + "/v1";
}

void FakeUpstream::answer(Script script) {
    answer_with([script = std::move(script)](const ReceivedRequest&) { return script; });
}

void FakeUpstream::answer_with(Handler handler) {
    const std::scoped_lock lock(mutex_);
    handler_ = std::move(handler);
}

void FakeUpstream::answer_next(Script script) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(script));
}

void FakeUpstream::on_connect(std::function<Script(int)> script) {
    const std::scoped_lock lock(mutex_);
    on_connect_ = std::move(script);
}

void FakeUpstream::answer_before_the_body() {
    const std::scoped_lock lock(mutex_);
    answers_before_the_body_ = true;
}

std::vector<ReceivedRequest> FakeUpstream::requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
}

std::vector<ConnectionRecord> FakeUpstream::connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_;
}

bool FakeUpstream::wait_for_requests(std::size_t count, Deadline deadline) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline.at(), [&] { return requests_.size() >= count; });
}

bool FakeUpstream::wait_for_connections(std::size_t count, Deadline deadline) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline.at(), [&] { return connections_.size() >= count; });
}

bool FakeUpstream::wait_for_peer_close(std::size_t connection, Deadline deadline) const {
    return wait_for(
        connection, [](const ConnectionRecord& record) { return record.peer_closed; }, deadline);
}

bool FakeUpstream::wait_for(std::size_t connection,
                            const std::function<bool(const ConnectionRecord&)>& predicate,
                            Deadline deadline) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline.at(), [&] {
        return connections_.size() > connection && predicate(connections_[connection]);
    });
}

void FakeUpstream::update(int number, const std::function<void(ConnectionRecord&)>& change) {
    const std::scoped_lock lock(mutex_);
    change(connections_[static_cast<std::size_t>(number)]);
    changed_.notify_all();
}

void FakeUpstream::note_peer_closed(int number) {
    update(number, [](ConnectionRecord& record) {
        record.peer_closed = true;
        record.closed = std::chrono::steady_clock::now();
    });
}

void FakeUpstream::accept_loop() {
    while (!is_stopping_) {
        Wire wire = socket_.accept(Deadline(milliseconds(20)));
        if (!wire.is_open()) continue;
        int number = 0;
        {
            const std::scoped_lock lock(mutex_);
            number = static_cast<int>(connections_.size());
            connections_.emplace_back();
            changed_.notify_all();
        }
        threads_.emplace_back([this, number, accepted = std::move(wire)]() mutable {
            serve(std::move(accepted), number);
        });
    }
}

void FakeUpstream::serve(Wire wire, int number) {
    if (tls_ == nullptr || start_tls(wire, number)) {
        std::function<Script(int)> greeting;
        {
            const std::scoped_lock lock(mutex_);
            greeting = on_connect_;
        }
        if (!greeting || run(greeting(number), wire, number)) {
            std::string buffer;
            while (serve_one(wire, number, buffer)) {
            }
        }
    }
    wire.close();
    update(number, [](ConnectionRecord& record) { record.is_over = true; });
}

bool FakeUpstream::start_tls(Wire& wire, int number) {
    if (ignores_handshakes_) {
        return hold(wire, number, [] { return false; });
    }
    const bool is_established = wire.start_tls_server(tls_.get());
    const char* const name = SSL_get_servername(wire.ssl(), TLSEXT_NAMETYPE_host_name);
    update(number, [&](ConnectionRecord& record) {
        record.is_tls_established = is_established;
        record.is_session_resumed = is_established && SSL_session_reused(wire.ssl()) == 1;
        record.server_name = name == nullptr ? "" : name;
    });
    return is_established;
}

bool FakeUpstream::read_more(Wire& wire, int number, std::string& buffer) {
    while (!is_stopping_) {
        ReadResult result = wire.read_some(Deadline(slice));
        if (result.end == ReadEnd::timeout) continue;
        update(number, [&](ConnectionRecord& record) { record.received += result.bytes; });
        if (result.end != ReadEnd::data) note_peer_closed(number);
        buffer += result.bytes;
        return result.end == ReadEnd::data;
    }
    return false;
}

bool FakeUpstream::serve_one(Wire& wire, int number, std::string& buffer) {
    ReceivedRequest request;
    request.connection = number;
    std::optional<MessageHead> head;
    while (!(head = take_head(buffer))) {
        if (!read_more(wire, number, buffer)) return false;
    }
    request.head = std::move(*head);
    bool is_early = false;
    {
        const std::scoped_lock lock(mutex_);
        is_early = answers_before_the_body_;
    }
    if (!is_early) {
        BodyReader body = BodyReader::for_request(request.head);
        for (body.take(buffer); !body.is_done(); body.take(buffer)) {
            if (body.is_broken() || !read_more(wire, number, buffer)) return false;
        }
        request.body = body.body();
    }
    request.arrived = std::chrono::steady_clock::now();
    const Script script = script_for(request);
    {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(std::move(request));
        changed_.notify_all();
    }
    return run(script, wire, number);
}

Script FakeUpstream::script_for(const ReceivedRequest& request) {
    Handler handler;
    {
        const std::scoped_lock lock(mutex_);
        if (!queue_.empty()) {
            Script next = std::move(queue_.front());
            queue_.pop_front();
            return next;
        }
        handler = handler_;
    }
    return handler(request);
}

bool FakeUpstream::run(const Script& script, Wire& wire, int number) {
    for (const Step& step : script.steps()) {
        if (!run_step(step, wire, number)) return false;
    }
    return true;
}

bool FakeUpstream::run_step(const Step& step, Wire& wire, int number) {
    switch (step.kind) {
        case Step::Kind::send: return send(wire, number, step.bytes);
        case Step::Kind::wait: return hold(wire, number, [&] { return step.signal.is_raised(); });
        case Step::Kind::raise: step.signal.raise(); return true;
        case Step::Kind::call: step.function(); return true;
        case Step::Kind::pause: {
            const Deadline end(step.span);
            return hold(wire, number, [&] { return end.has_passed(); });
        }
        case Step::Kind::repeat:
            for (;;) {
                if (!send(wire, number, step.bytes)) return false;
                const Deadline end(step.span);
                if (!hold(wire, number, [&] { return end.has_passed(); })) return false;
            }
        case Step::Kind::stall: return hold(wire, number, [] { return false; });
        case Step::Kind::close: wire.close(); return false;
        case Step::Kind::cut: wire.cut(); return false;
        case Step::Kind::reset: wire.reset(); return false;
    }
    return false;
}

bool FakeUpstream::send(Wire& wire, int number, std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t sent = wire.write_all(bytes, Deadline(milliseconds(50)));
        bytes.remove_prefix(sent);
        update(number, [&](ConnectionRecord& record) { record.bytes_sent += sent; });
        if (is_stopping_) return false;
        if (!bytes.empty() && wire.peer_has_closed()) {
            note_peer_closed(number);
            return false;
        }
    }
    return true;
}

bool FakeUpstream::hold(Wire& wire, int number, const std::function<bool()>& until) {
    while (!until()) {
        if (is_stopping_) return false;
        if (wire.peer_has_closed()) {
            note_peer_closed(number);
            return false;
        }
        std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
}

}  // namespace sluicegate::support
