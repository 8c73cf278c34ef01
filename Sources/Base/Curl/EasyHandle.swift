import CCurl

/// What libcurl tells of a transfer while it moves bytes.
package protocol TransferReceiver: AnyObject {
  /// A connection is open.
  /// - Parameter peer: the address of the other side.
  /// - Returns: whether the request may be sent on it.
  func approveSending(to peer: String) -> Bool

  /// A line of the head, with its line end; the empty line after the head, too.
  /// - Returns: whether to go on.
  func readHead(_ line: [UInt8]) -> Bool

  /// Bytes of the body.
  func readBody(_ bytes: [UInt8]) -> Reception
}

/// What became of bytes that libcurl has offered.
package enum Reception {
  case taken
  /// The transfer ends with an error.
  case refused
  /// They come again after `EasyHandle.resume()`.
  case paused
}

/// libcurl's handle of one transfer, with everything that must live as long as it (libcurl-easy(3)).
///
/// HTTP 1.1 or HTTPS with TLS 1.2 and nothing else, no redirects, no signals.
@safe package final class EasyHandle {
  let easy: UnsafeMutableRawPointer
  private let curl: Curl
  private var fields: UnsafeMutablePointer<curl_slist>?
  /// Where libcurl writes the text of an error (CURLOPT_ERRORBUFFER).
  private let errorText: UnsafeMutablePointer<CChar>
  private weak var receiver: (any TransferReceiver)?
  /// libcurl's first refusal of an option. A request without one of its limits and checks is not made.
  private var refusal: CURLcode?

  private static let errorSize = 256

  /// A handle without a request.
  /// - Throws: when libcurl has no memory left.
  package init(_ curl: Curl) throws(Curl.Absence) {
    // SAFETY: the functions are those of the library.
    guard let easy = unsafe curl.functions.pointee.easy_init() else { throw .noMemory }
    unsafe self.easy = unsafe easy
    self.curl = curl
    unsafe errorText = .allocate(capacity: Self.errorSize)
    unsafe errorText.initialize(repeating: 0, count: Self.errorSize)
    // Two protocols and nothing else, such as file; no redirects, which are off unless asked for.
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_HTTP_VERSION, 2 /* CURL_HTTP_VERSION_1_1 */)
    set(CURLOPT_SSLVERSION, 6 /* CURL_SSLVERSION_TLSv1_2 */)
    set(CURLOPT_NOSIGNAL, 1)
    // Otherwise the end of a transfer would wait for a slow name service (getaddrinfo(3)).
    set(CURLOPT_QUICK_EXIT, 1)
    set(CURLOPT_TCP_NODELAY, 1)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    // SAFETY: the buffer lives as long as the handle.
    note(unsafe openstarry_curl_set_pointer(curl.functions, easy, CURLOPT_ERRORBUFFER, errorText))
  }

  deinit {
    // SAFETY: the handle is in no multi handle any more; nothing uses the rest after it.
    unsafe curl.functions.pointee.easy_cleanup(easy)
    unsafe curl.functions.pointee.slist_free_all(fields)
    unsafe errorText.deallocate()
  }

  // MARK: Request

  /// Adds a field to the head of the request: `Name: value`, or `Name:` to leave out one of libcurl's own.
  package func add(field: String) {
    // SAFETY: the text is copied; the list is freed with this object.
    unsafe fields = unsafe field.withCString { unsafe curl.functions.pointee.slist_append(fields, $0) } ?? fields
    // SAFETY: the list lives as long as the handle.
    note(unsafe openstarry_curl_set_pointer(curl.functions, easy, CURLOPT_HTTPHEADER, fields))
  }

  /// Sets an option that takes a number (curl_easy_setopt(3)).
  package func set(_ option: CURLoption, _ value: Int) {
    // SAFETY: the option takes a number.
    note(unsafe openstarry_curl_set_number(curl.functions, easy, option, value))
  }

  /// Sets an option that takes a C string (curl_easy_setopt(3)).
  package func set(_ option: CURLoption, _ value: String) {
    // SAFETY: the option takes a C string, which is copied.
    note(unsafe value.withCString { unsafe openstarry_curl_set_text(curl.functions, easy, option, $0) })
  }

  /// Makes it a POST of bytes that stay the caller's.
  /// - Parameter start: valid until this handle is gone.
  package func post(_ start: UnsafeRawPointer, count: Int) {
    // SAFETY: promised by the caller.
    note(unsafe openstarry_curl_set_body(curl.functions, easy, start, count))
  }

  /// Makes it a POST of a copy of these bytes.
  package func post(copying bytes: [UInt8]) {
    // SAFETY: the array is valid during the call, in which libcurl copies it.
    note(
      unsafe bytes.withUnsafeBytes {
        unsafe openstarry_curl_copy_body(curl.functions, easy, $0.baseAddress, $0.count)
      })
  }

  // MARK: Transfer

  /// Lets libcurl call a receiver, as long as that exists.
  package func setCallbacks(_ receiver: any TransferReceiver) {
    self.receiver = receiver
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    // SAFETY: all contexts are this object, which cleans its handle up before it goes; the functions have the types that
    // the options take.
    for option in [CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA] {
      note(unsafe openstarry_curl_set_pointer(curl.functions, easy, option, context))
    }
    let checker = unsafe openstarry_curl_set_checker(curl.functions, easy) { context, peer, _, _, _ in
      let peer = unsafe peer.map { unsafe String(cString: $0) } ?? ""
      // CURL_PREREQFUNC_OK, CURL_PREREQFUNC_ABORT.
      return unsafe EasyHandle.receiver(context)?.approveSending(to: peer) == true ? 0 : 1
    }
    let head = unsafe openstarry_curl_set_receiver(curl.functions, easy, CURLOPT_HEADERFUNCTION) {
      bytes, size, count, context in
      unsafe EasyHandle.receiver(context)?.readHead(EasyHandle.bytes(bytes, size * count)) == true ? size * count : 0
    }
    let body = unsafe openstarry_curl_set_receiver(curl.functions, easy, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, context in
      switch unsafe EasyHandle.receiver(context)?.readBody(EasyHandle.bytes(bytes, size * count)) {
      case .taken: size * count
      case .refused, nil: 0
      case .paused: 0x1000_0001 /* CURL_WRITEFUNC_PAUSE */
      }
    }
    for code in [checker, head, body] { note(code) }
  }

  private func note(_ code: CURLcode) { if code != CURLE_OK, refusal == nil { refusal = code } }

  /// - Throws: that libcurl does not know an option.
  func checkOptions() throws(Curl.Absence) { if let refusal { throw .refused(curl.text(refusal)) } }

  private static func receiver(_ context: UnsafeMutableRawPointer?) -> (any TransferReceiver)? {
    // SAFETY: only `setCallbacks` passes a context to libcurl, always a handle that is alive.
    unsafe Unmanaged<EasyHandle>.fromOpaque(context!).takeUnretainedValue().receiver
  }

  private static func bytes(_ start: UnsafeMutablePointer<CChar>?, _ count: Int) -> [UInt8] {
    // SAFETY: libcurl's buffer has that many bytes during the call.
    unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Lets libcurl go on after a pause. It may hand over bytes at once.
  package func resume() {
    // SAFETY: the handle is alive.
    _ = unsafe curl.functions.pointee.easy_pause(easy, 0 /* CURLPAUSE_CONT */)
  }

  /// libcurl's sentence for an error of this transfer.
  package func text(_ code: CURLcode) -> String {
    // SAFETY: the buffer ends with a zero byte.
    let text = unsafe String(cString: errorText)
    return text.isEmpty ? curl.text(code) : text
  }
}
