import CCurl
import ChatCompletion
import LanguageModel
import Model

/// libcurl's handle of one transfer, with everything that must live as long as it.
@safe final class TransferHandle {
  /// For the multi handle.
  let easy: UnsafeMutableRawPointer
  private let curl: Curl
  private let body: RequestBody
  private var fields: UnsafeMutablePointer<curl_slist>?
  /// Where libcurl writes the text of an error (CURLOPT_ERRORBUFFER).
  private let errorText: UnsafeMutablePointer<CChar>
  private let quotation: Quotation

  private static let errorSize = 256

  /// A POST of the body, with all the limits that libcurl has to keep.
  /// - Parameter key: empty for none.
  init(
    _ curl: Curl, _ request: LanguageModelRequest, _ address: ServerAddress, _ key: [UInt8],
    _ body: consuming RequestBody
  ) throws(LanguageModelFailure) {
    // SAFETY: the functions are those of the library.
    guard let easy = unsafe curl.functions.pointee.easy_init() else {
      throw LanguageModelFailure(.absent, wasSent: false, "libcurl has no memory left")
    }
    unsafe self.easy = unsafe easy
    self.curl = curl
    self.body = body
    quotation = Quotation(hiding: key)
    unsafe errorText = .allocate(capacity: Self.errorSize)
    unsafe errorText.initialize(repeating: 0, count: Self.errorSize)
    // libcurl's own default field Expect makes a round trip, for which some servers wait in vain.
    for field in ["Content-Type: application/json", "Accept: text/event-stream", "User-Agent: openstarryd", "Expect:"] {
      add(field)
    }
    if !key.isEmpty { add("Authorization: Bearer \(String(decoding: key, as: UTF8.self))") }
    set(CURLOPT_URL, address.url)
    if let socket = address.socket { set(CURLOPT_UNIX_SOCKET_PATH, socket) }
    // Two protocols and nothing else, such as file; no redirects, which are off unless asked for.
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    // One connection for each call: so a paused or cancelled one never touches another, and a cancel is a hang-up.
    set(CURLOPT_HTTP_VERSION, 2 /* CURL_HTTP_VERSION_1_1 */)
    set(CURLOPT_SSLVERSION, 6 /* CURL_SSLVERSION_TLSv1_2 */)
    set(CURLOPT_NOSIGNAL, 1)
    // Otherwise the end of a transfer would wait for a slow name service (getaddrinfo(3)).
    set(CURLOPT_QUICK_EXIT, 1)
    set(CURLOPT_TCP_NODELAY, 1)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    // 0 would be libcurl's own 5 minutes.
    set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.limits.connect)))
    if let file = ModelProcess.environment["SSL_CERT_FILE"] { set(CURLOPT_CAINFO, file) }
    // A proxy of the environment is for other machines, and would get the key for this one.
    if address.isLocal { set(CURLOPT_NOPROXY, "*") }
    // SAFETY: fields, body and buffer live as long as the handle.
    _ = unsafe openstarry_curl_set_pointer(curl.functions, easy, CURLOPT_HTTPHEADER, fields)
    _ = unsafe openstarry_curl_set_pointer(curl.functions, easy, CURLOPT_ERRORBUFFER, errorText)
    _ = unsafe openstarry_curl_set_body(curl.functions, easy, self.body.start, self.body.count)
  }

  deinit {
    // SAFETY: the handle is in no multi handle any more; nothing uses the rest after it.
    unsafe curl.functions.pointee.easy_cleanup(easy)
    unsafe curl.functions.pointee.slist_free_all(fields)
    unsafe errorText.deallocate()
  }

  private func add(_ field: String) {
    // SAFETY: the text is copied; the list is freed with this object.
    unsafe fields = unsafe field.withCString { unsafe curl.functions.pointee.slist_append(fields, $0) } ?? fields
  }

  private func set(_ option: CURLoption, _ value: Int) {
    // SAFETY: the option takes a number.
    _ = unsafe openstarry_curl_set_number(curl.functions, easy, option, value)
  }

  private func set(_ option: CURLoption, _ value: String) {
    // SAFETY: the option takes a C string, which is copied.
    _ = unsafe value.withCString { unsafe openstarry_curl_set_text(curl.functions, easy, option, $0) }
  }

  /// Lets libcurl call a transfer, which must live until it is removed from the multi handle.
  func connect(to transfer: Transfer) {
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    // SAFETY: all contexts are the transfer, and the functions have the types that the options take.
    for option in [CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA] {
      _ = unsafe openstarry_curl_set_pointer(curl.functions, easy, option, context)
    }
    _ = unsafe openstarry_curl_set_checker(curl.functions, easy) { context, peer, _, _, _ in
      let peer = unsafe peer.map { unsafe String(cString: $0) } ?? ""
      return unsafe TransferHandle.transfer(context).mayBeSent(to: peer) ? 0 /* CURL_PREREQFUNC_OK */ : 1
    }
    _ = unsafe openstarry_curl_set_receiver(curl.functions, easy, CURLOPT_HEADERFUNCTION) {
      bytes, size, count, context in
      unsafe TransferHandle.transfer(context).readHead(TransferHandle.bytes(bytes, size * count)) ? size * count : 0
    }
    _ = unsafe openstarry_curl_set_receiver(curl.functions, easy, CURLOPT_WRITEFUNCTION) {
      bytes, size, count, context in
      switch unsafe TransferHandle.transfer(context).readBody(TransferHandle.bytes(bytes, size * count)) {
      case .taken: size * count
      case .refused: 0
      case .paused: 0x1000_0001 /* CURL_WRITEFUNC_PAUSE */
      }
    }
  }

  private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer {
    // SAFETY: only `connect` passes a context to libcurl, always a transfer that is alive.
    unsafe Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
  }

  private static func bytes(_ start: UnsafeMutablePointer<CChar>?, _ count: Int) -> [UInt8] {
    // SAFETY: libcurl's buffer has that many bytes during the call.
    unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Lets libcurl go on after a pause. It may hand over bytes at once.
  func resume() {
    // SAFETY: the handle is alive.
    _ = unsafe curl.functions.pointee.easy_pause(easy, 0 /* CURLPAUSE_CONT */)
  }

  /// libcurl's sentence for an error.
  func error(_ code: CURLcode) -> String {
    // SAFETY: the buffer ends with a zero byte.
    let text = unsafe String(cString: errorText)
    return quotation((text.isEmpty ? curl.text(code) : text).utf8)
  }

  /// Whether an error is one of TLS (libcurl-errors(3)).
  static func isTLS(_ code: CURLcode) -> Bool {
    [
      CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT,
    ].contains(code)
  }
}
