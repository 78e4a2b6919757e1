#include "sluicegate/openai/splice.hpp"

#include "sluicegate/base/json_text.hpp"

#include "openai/json_text.hpp"

#include <cassert>
#include <utility>

namespace sluicegate::openai {
namespace {

constexpr std::string_view usage_member = R"("include_usage":true)";
constexpr std::string_view continuous_member = R"("continuous_usage_stats":true)";

/// The members to add, separated by commas.
std::string joined(std::initializer_list<std::pair<bool, std::string_view>> members) {
    std::string out;
    for (const auto& [is_wanted, member] : members) {
        if (!is_wanted) continue;
        if (!out.empty()) out += ',';
        out += member;
    }
    return out;
}

/// A part for a form, which begins with the line of its delimiter.
std::string model_part(std::string_view form, std::string_view model) {
    std::string part(form.substr(0, form.find("\r\n")));
    part += "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    part += model;
    part += "\r\n";
    return part;
}

/// The JSON string at `value` is `text`, byte for byte.
bool is_written_as(std::string_view body, ByteRange value, std::string_view text) noexcept {
    if (value.size != text.size() + 2) return false;
    const std::string_view raw(body.data() + value.offset + 1, text.size());
    return raw == text && !has_escape(raw);
}

}  // namespace

void Rewritten::add(ByteRange replaced, std::string_view text) {
    assert(edit_count_ < edits_max);
    assert(replaced.offset <= body_.size() && replaced.size <= body_.size() - replaced.offset);
    std::size_t at = edit_count_++;
    for (; at > 0 && edits_[at - 1].replaced.offset > replaced.offset; --at) {
        edits_[at] = edits_[at - 1];
    }
    edits_[at] = {replaced, {text_.size(), text.size()}};
    text_ += text;
}

std::array<std::string_view, Rewritten::pieces_max> Rewritten::pieces() const noexcept {
    std::array<std::string_view, pieces_max> out;
    const std::string_view text = text_;
    std::size_t from = 0;
    for (std::size_t i = 0; i < edit_count_; ++i) {
        const Edit& edit = edits_[i];
        out[2 * i] = body_.substr(from, edit.replaced.offset - from);
        out[2 * i + 1] = text.substr(edit.text.offset, edit.text.size);
        from = edit.replaced.offset + edit.replaced.size;
    }
    out[2 * edit_count_] = body_.substr(from);
    return out;
}

std::size_t Rewritten::size() const noexcept {
    std::size_t size = body_.size() + text_.size();
    for (std::size_t i = 0; i < edit_count_; ++i) size -= edits_[i].replaced.size;
    return size;
}

Rewritten rewrite(const Inspection& inspection, std::string_view body,
                  std::string_view upstream_model, StreamOptionsEdit edit) {
    Rewritten out;
    out.body_ = body;
    if (inspection.is_multipart) {
        assert(upstream_model.find_first_of("\r\n") == std::string_view::npos);
        out.body_ = body.substr(inspection.form().offset, inspection.form().size);
        ByteRange value = inspection.model_value;
        value.offset -= inspection.form().offset;
        out.add(value, inspection.is_model_absent ? model_part(out.body_, upstream_model)
                                                  : std::string(upstream_model));
        return out;
    }
    const bool is_asked = edit.include_usage || edit.continuous_usage_stats;
    if (!is_asked && is_written_as(body, inspection.model_value, upstream_model)) return out;
    std::string model;
    if (inspection.is_model_absent) model += R"("model":)";
    append_json_string(model, upstream_model);
    const std::string_view behind =
        inspection.is_model_absent && !inspection.is_body_empty ? "," : "";
    const ByteRange options = inspection.stream_options;
    if (!is_asked) {
        model += behind;
        out.add(inspection.model_value, model);
        return out;
    }
    if (!inspection.has_stream_options) {
        const std::string object = '{' +
                                   joined({{edit.include_usage, usage_member},
                                           {edit.continuous_usage_stats, continuous_member}}) +
                                   '}';
        if (options.size > 0) {
            out.add(options, object);
        } else {
            // The model is a member of the same object, so the new member can follow it.
            model += R"(,"stream_options":)" + object;
        }
        model += behind;
        out.add(inspection.model_value, model);
        return out;
    }
    const bool has_usage = inspection.include_usage.size > 0;
    const bool has_continuous = inspection.continuous_usage_stats.size > 0;
    std::string added =
        joined({{edit.include_usage && !has_usage, usage_member},
                {edit.continuous_usage_stats && !has_continuous, continuous_member}});
    if (!added.empty() && !inspection.stream_options_empty) added += ',';
    model += behind;
    out.add(inspection.model_value, model);
    if (!added.empty()) out.add({options.offset + 1, 0}, added);
    if (edit.include_usage && has_usage) out.add(inspection.include_usage, "true");
    if (edit.continuous_usage_stats && has_continuous) {
        out.add(inspection.continuous_usage_stats, "true");
    }
    return out;
}

}  // namespace sluicegate::openai
