#pragma once
/// One attempt at one upstream: the request is sent, and the answer looked at as far as it can be
/// before a byte of it may reach the client: a status, the first events of a stream, short JSON as
/// a whole. While one lives, a client that leaves ends it.

#include "sluicegate/base/memory_budget.hpp"
#include "sluicegate/client/event_writer.hpp"
#include "sluicegate/openai/model_renamer.hpp"
#include "sluicegate/provider/answer.hpp"
#include "sluicegate/provider/json_answer.hpp"

#include "gateway/event_reader.hpp"
#include "gateway/upstream_request.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluicegate::gateway {

class Attempt final : private client::Connection::Watched {
public:
    /// At the endpoint that `lease` is for, of the entry's upstream. `ceiling` is what the ceiling
    /// of its account holds for the request. `request` and `routed` must outlive it.
    Attempt(Request& request, const Routed& routed, const route::RouteEntry& entry,
            route::Lease lease, limit::Reservation ceiling, Instant now);
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    /// Until there is an answer to pass on. Errors: those of Exchange, what
    /// provider/failure.hpp makes of a failure that the upstream tells (as a status or as the first
    /// event), and upstream_bad_response for what is no answer to this request.
    net::Task<Result<void>> run();

    /// How it has gone with the endpoint; once, later calls do nothing. An attempt of which
    /// nothing is told says nothing about it. The place at the endpoint is held until
    /// release_slot().
    void report(route::Outcome outcome, Milliseconds wait = Milliseconds(0));

    /// When report() was called.
    [[nodiscard]] Instant reported_at() const noexcept { return reported_at_; }
    /// The endpoint's index in its upstream.
    [[nodiscard]] std::size_t endpoint() const noexcept { return lease_.endpoint(); }
    /// The upstream has done its part: its place is free for the next request, though the client
    /// may still be reading.
    void release_slot() noexcept { lease_.end(); }
    /// What the account's ceiling is charged in the end; without it, what it holds is given back.
    void settle_ceiling(std::int64_t tokens, Instant now) noexcept { ceiling_.settle(tokens, now); }

    /// The upstream keeps a response or a conversation of this id: it is the caller's. "" is none.
    void keep_owner(std::string_view id) const;

    [[nodiscard]] Instant began_at() const noexcept { return began_at_; }

    /// The model in the answer is to have the name that was asked for, not the upstream's.
    [[nodiscard]] bool renames_model() const noexcept {
        const config::Model& model = *routed_.model->settings;
        return entry_.upstream_model != model.name &&
               model.answer_model == config::AnswerModel::asked;
    }
    /// The next bytes of the answer, with the name that they are to have; valid until the next
    /// call. It is kept here, and not in the frames of the coroutines that pass the answer on.
    [[nodiscard]] std::string_view renamed(std::string_view bytes,
                                           openai::ModelRenamer::Form form) {
        return renames_model() ? rename(bytes, form) : bytes;
    }

    /// The upstream may have seen the request.
    [[nodiscard]] bool was_sent() const noexcept {
        return has_refused_options_ || exchange_->was_sent();
    }

    /// The end of an answer that is kept in case that no other candidate answers: its slot is free,
    /// and a client that leaves is another attempt's matter.
    void set_aside(Instant now) noexcept;

    // --- after a run() that succeeded: what there is to pass on, one of four ---

    /// Its head is there; a 2xx, or a 4xx that the client caused.
    [[nodiscard]] upstream::Exchange& exchange() noexcept { return *exchange_; }
    /// Of an event stream: the first are ready. Null for anything else.
    [[nodiscard]] EventReader* events() noexcept { return events_.get(); }
    /// Of an answer in JSON that is complete in exchange().body(), or in the value itself. None for
    /// a rejection (4xx, its body is complete as far as it is looked at) and for what goes on as it
    /// comes: recordings, and JSON that is too long to be held.
    [[nodiscard]] const std::optional<provider::JsonAnswer>& json() const noexcept { return json_; }

    /// Of a rejection: why the model's fallback_on lets another candidate try; none if it does not.
    [[nodiscard]] FallbackReason fallback_reason() const noexcept { return fallback_reason_; }

    /// What a success turned out to be.
    [[nodiscard]] provider::AnswerForm form() const noexcept { return form_; }

private:
    bool goes_on_alone() noexcept override;
    void cancel(ErrorKind reason) noexcept override;
    void prepare(const openai::StreamOptionsEdit& stream_options);
    net::Task<Result<void>> try_once();
    void note_answer();
    std::string_view rename(std::string_view bytes, openai::ModelRenamer::Form form);
    /// Until the head of the answer is there.
    net::Task<Result<void>> ask();
    net::Task<void> receive_judged_body();
    net::Task<Result<void>> judge_failure();
    void note_fallback_reason();
    /// Until form_of() can tell what the body is.
    net::Task<Result<void>> receive_beginning();
    net::Task<Result<void>> receive_first_events();
    /// All events, for a client that asked for JSON.
    net::Task<Result<void>> receive_all_events();
    net::Task<Result<void>> receive_json();
    Result<void> judge_json();
    [[nodiscard]] Result<void> judge_first_events(bool has_begun) const;
    void read_events(const openai::StreamCuts& cuts);
    /// When the first comment is due; never for a client that did not ask for a stream.
    [[nodiscard]] Instant comment_at() const;
    /// A comment for the client, whose stream begins here at the latest; when the next is due.
    net::Task<Result<Instant>> keep_waiting(const http::ResponseHead* head);
    [[nodiscard]] Failure unusable(ErrorKind kind, std::string_view what) const;

    Request& request_;
    const Routed& routed_;
    const route::RouteEntry& entry_;
    route::Lease lease_;
    limit::Reservation ceiling_;
    Instant began_at_;
    Instant answered_at_{};  ///< the head was there
    Instant reported_at_{};
    openai::StreamOptionsEdit stream_options_;
    std::optional<UpstreamRequest> text_;
    std::optional<upstream::Exchange> exchange_;
    std::optional<client::Connection::DepartureWatch> departure_;
    std::unique_ptr<EventReader> events_;
    std::optional<provider::JsonAnswer> json_;
    provider::AnswerForm form_ = provider::AnswerForm::bytes;
    std::unique_ptr<openai::ModelRenamer> renamer_;
    MemoryClaim json_memory_;  ///< of the events that json_ holds
    bool has_refused_options_ = false;
    FallbackReason fallback_reason_ = FallbackReason::none;
};

/// The client's side of an event stream of the request's endpoint, with the settings in force.
[[nodiscard]] std::unique_ptr<client::EventWriter> new_event_writer(Request& request,
                                                                    openai::Endpoint endpoint,
                                                                    const http::ResponseHead* head);

}  // namespace sluicegate::gateway
