import CCurl
import LanguageModel

/// libcurl. It is loaded with the first request, since most of a gateway's memory is its.
@safe struct Curl {
  /// Its functions, for as long as the process lives.
  let functions: UnsafePointer<openstarry_curl>
  /// All transfers, on one thread.
  let multi: UnsafeMutableRawPointer

  /// Debian's two libraries. The one with GnuTLS is the package's recommendation: see systemd/package.
  private static let names = ["libcurl-gnutls.so.4", "libcurl.so.4"]
  /// Connections that are kept for further calls.
  private static let mostIdle = 16

  /// - Throws: what to install.
  static func load() throws(LanguageModelFailure) -> Curl {
    for name in names {
      // SAFETY: the name is a C string during the call; the library is never unloaded.
      guard let library = unsafe name.withCString({ unsafe dlopen($0, RTLD_NOW) }),
        let functions = unsafe openstarry_curl_look_up(library)
      else { continue }
      openstarry_curl_limit_stacks()
      // SAFETY: called once, before any other function and any thread.
      guard unsafe functions.pointee.global_init(3 /* CURL_GLOBAL_ALL */) == CURLE_OK,
        let multi = unsafe functions.pointee.multi_init()
      else { break }
      // SAFETY: the handle is valid; the option takes a number.
      _ = unsafe openstarry_curl_set_multi(functions, multi, CURLMOPT_MAXCONNECTS, mostIdle)
      return unsafe Curl(functions: functions, multi: multi)
    }
    throw LanguageModelFailure(
      .absent, wasSent: false,
      "language models need libcurl 7.85 or later, which is not installed: apt install libcurl3-gnutls")
  }

  /// The text of an error of libcurl.
  func text(_ code: CURLcode) -> String {
    // SAFETY: a C string that lives as long as the library.
    guard let text = unsafe functions.pointee.easy_strerror(code) else { return "error \(code.rawValue)" }
    return unsafe String(cString: text)
  }

  /// A date of HTTP (RFC 9110, 5.6.7) in seconds since 1970; nil for anything else (curl_getdate(3)).
  func date(_ text: [UInt8]) -> Int64? {
    let text = String(decoding: text.prefix(64), as: UTF8.self)
    // SAFETY: a C string during the call.
    let time = unsafe text.withCString { unsafe functions.pointee.getdate($0, nil) }
    return time < 0 ? nil : Int64(time)
  }
}
