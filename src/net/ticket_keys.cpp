#include "sluicegate/net/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluicegate::net {
namespace {

using HeldKeys = std::shared_ptr<const TicketKeys>;

/// What OpenSSL wants to hear of a ticket.
constexpr int ticket_error = -1;
constexpr int ticket_unknown = 0;  ///< a full handshake follows
constexpr int ticket_good = 1;
constexpr int ticket_good_but_old = 2;  ///< good, and the client gets a new one

void fill(std::uint8_t* bytes, std::size_t size) {
    if (RAND_priv_bytes(bytes, static_cast<int>(size)) != 1) {
        throw std::runtime_error("OpenSSL has no randomness for session tickets");
    }
}

TicketKeys::Key fresh_key() {
    TicketKeys::Key key;
    fill(key.name.data(), key.name.size());
    fill(key.cipher.data(), key.cipher.size());
    fill(key.mac.data(), key.mac.size());
    return key;
}

void free_held_keys(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<HeldKeys*>(held);
}

/// The index under which an SSL_CTX holds the keys of its tickets.
int held_keys_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_held_keys);
    return index;
}

bool set_mac_key(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
    std::array<char, 7> digest{"SHA256"};
    const std::array params{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, params.data()) == 1;
}

/// Called by OpenSSL in a handshake, of any worker: `is_sealing` is 1 for a ticket that is made.
int prepare_ticket(SSL* handle, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int is_sealing) {
    const auto* held = static_cast<const HeldKeys*>(
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(handle), held_keys_index()));
    if (held == nullptr) return ticket_error;
    const TicketKeys& keys = **held;
    if (is_sealing == 1) {
        TicketKeys::Key key = keys.newest();
        std::ranges::copy(key.name, name);
        const bool is_ready =
            RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
            set_mac_key(mac, key);
        return is_ready ? ticket_good : ticket_error;
    }
    auto found = keys.find(name);
    if (!found) return ticket_unknown;
    const bool is_ready =
        set_mac_key(mac, found->key) &&
        EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found->key.cipher.data(), iv) == 1;
    if (!is_ready) return ticket_error;
    return found->is_newest ? ticket_good : ticket_good_but_old;
}

}  // namespace

TicketKeys::Key::~Key() {
    OPENSSL_cleanse(cipher.data(), cipher.size());
    OPENSSL_cleanse(mac.data(), mac.size());
}

TicketKeys::TicketKeys() {
    keys_.push_front(fresh_key());
}

void TicketKeys::rotate() {
    const Key key = fresh_key();
    const std::lock_guard lock(mutex_);
    keys_.push_front(key);
    if (keys_.size() > kept_max + 1) keys_.pop_back();
}

TicketKeys::Key TicketKeys::newest() const {
    const std::lock_guard lock(mutex_);
    return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(const std::uint8_t* name) const {
    const std::lock_guard lock(mutex_);
    for (const Key& key : keys_) {
        if (!std::equal(key.name.begin(), key.name.end(), name)) continue;
        return Found{.key = key, .is_newest = &key == &keys_.front()};
    }
    return std::nullopt;
}

void use_ticket_keys(ssl_ctx_st* server, std::shared_ptr<const TicketKeys> keys) {
    auto held = std::make_unique<HeldKeys>(std::move(keys));
    if (SSL_CTX_set_ex_data(server, held_keys_index(), held.get()) != 1) return;
    static_cast<void>(held.release());  // free_held_keys() deletes it
    SSL_CTX_set_timeout(server, TicketKeys::ticket_lifetime.count());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(server, prepare_ticket);
}

}  // namespace sluicegate::net
