import CCurl

/// libcurl. It is loaded when it is needed, since it takes more memory than the programs that use it.
@safe package struct Curl {
  /// Its functions, for as long as the process lives.
  package let functions: UnsafePointer<openstarry_curl>

  /// libcurl is not there, or cannot be used.
  package struct Absence: Error, CustomStringConvertible {
    /// What is wrong, and what to install.
    package let description: String

    /// CURLOPT_QUICK_EXIT is the newest option that a transfer needs.
    private static let remedy = "libcurl 7.87 or later is needed: apt install libcurl3-gnutls"

    static let noLibrary = Absence(description: "there is no suitable libcurl: \(remedy)")

    /// An option that the library does not know.
    static func refused(_ why: String) -> Absence {
      Absence(description: "libcurl refuses an option of the request (\(why)): \(remedy)")
    }

    static let noMemory = Absence(description: "libcurl has no memory left")
  }

  /// Debian's two libraries. The one with GnuTLS is the package's recommendation: see systemd/package.
  private static let names = ["libcurl-gnutls.so.4", "libcurl.so.4"]

  /// Loads the library.
  /// - Throws: what to install.
  package static func load() throws(Absence) -> Curl {
    for name in names {
      // SAFETY: the name is a C string during the call; the library is never unloaded.
      guard let library = unsafe name.withCString({ unsafe dlopen($0, RTLD_NOW) }),
        let functions = unsafe openstarry_curl_look_up(library)
      else { continue }
      openstarry_curl_limit_stacks()
      // SAFETY: called once, before any other function and any thread.
      guard unsafe functions.pointee.global_init(3 /* CURL_GLOBAL_ALL */) == CURLE_OK else { break }
      return unsafe Curl(functions: functions)
    }
    throw .noLibrary
  }

  /// The text of an error of libcurl.
  package func text(_ code: CURLcode) -> String {
    // SAFETY: a C string that lives as long as the library.
    guard let text = unsafe functions.pointee.easy_strerror(code) else { return "error \(code.rawValue)" }
    return unsafe String(cString: text)
  }

  /// A date of HTTP (RFC 9110, 5.6.7) in seconds since 1970; nil for anything else (curl_getdate(3)).
  package func date(_ text: [UInt8]) -> Int64? {
    let text = String(decoding: text.prefix(64), as: UTF8.self)
    // SAFETY: a C string during the call.
    let time = unsafe text.withCString { unsafe functions.pointee.getdate($0, nil) }
    return time < 0 ? nil : Int64(time)
  }
}
