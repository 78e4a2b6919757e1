#pragma once
/// Encodes what the gateway decodes: "gzip", "deflate", "raw deflate", "br" and "zstd".

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::support {

/// All that can be sent, raw deflate under the name of deflate.
[[nodiscard]] const std::vector<std::string>& encoder_names();
/// For Content-Encoding.
[[nodiscard]] std::string coding_name(std::string_view encoder);

class ContentEncoder {
public:
    explicit ContentEncoder(std::string_view name);
    ContentEncoder(const ContentEncoder&) = delete;
    ContentEncoder& operator=(const ContentEncoder&) = delete;
    ~ContentEncoder();

    /// Encoded and flushed: the other side can decode all of `plain`.
    [[nodiscard]] std::string take(std::string_view plain);
    /// What is needed behind it.
    [[nodiscard]] std::string end();

private:
    struct State;
    std::string run(std::string_view plain, bool is_last);

    std::unique_ptr<State> state_;
};

[[nodiscard]] std::string encoded(std::string_view name, std::string_view plain);
/// So many zeros, encoded without ever being held.
[[nodiscard]] std::string encoded_zeros(std::string_view name, std::size_t count);

}  // namespace sluicegate::support
