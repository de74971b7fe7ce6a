// SPDX-License-Identifier: Apache-2.0
// The part of fmt that is not templates of the caller's arguments, compiled once instead of in
// every source that formats. All of it is weak and hidden: it meets no other copy of fmt in a
// program.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

FMT_BEGIN_NAMESPACE
namespace detail {
namespace {

/// Referring to a function from data that is kept makes the compiler emit it.
[[gnu::used]] const auto kThrowFormatError = &throw_format_error;
[[gnu::used]] const auto kAssertFail = &assert_fail;
[[gnu::used]] bool (*const kIsPrintable)(std::uint32_t) = &is_printable;
[[gnu::used]] std::string (*const kFormat)(string_view, format_args) = &fmt::vformat;
[[gnu::used]] void (*const kPrint)(std::FILE*, string_view, format_args) = &fmt::vprint;

}  // namespace

template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;
template void buffer<char>::append(const char*, const char*);

}  // namespace detail
FMT_END_NAMESPACE
