import CCurl

/// All transfers of a program, on one thread (libcurl-multi(3)).
@safe package final class MultiHandle {
  private let curl: Curl
  private let multi: UnsafeMutableRawPointer

  /// Connections that are kept for further requests.
  private static let mostIdle = 16

  /// Without transfers.
  /// - Throws: when libcurl has no memory left.
  package init(_ curl: Curl) throws(Curl.Absence) {
    // SAFETY: the functions are those of the library.
    guard let multi = unsafe curl.functions.pointee.multi_init() else { throw .noMemory }
    self.curl = curl
    unsafe self.multi = unsafe multi
    // SAFETY: the handle is valid; the option takes a number.
    _ = unsafe openstarry_curl_set_multi(curl.functions, multi, CURLMOPT_MAXCONNECTS, Self.mostIdle)
  }

  deinit {
    // SAFETY: owners of transfers keep this object, and remove their handles before they go.
    _ = unsafe curl.functions.pointee.multi_cleanup(multi)
  }

  /// Begins a transfer. Its owner keeps the handle until it is removed.
  /// - Throws: when libcurl does not know one of the options, or has no memory left.
  package func add(_ transfer: EasyHandle) throws(Curl.Absence) {
    try transfer.checkOptions()
    // SAFETY: both handles are alive.
    guard unsafe curl.functions.pointee.multi_add_handle(multi, transfer.easy) == CURLM_OK else { throw .noMemory }
  }

  /// Ends a transfer. Its connection is closed unless the response was whole.
  package func remove(_ transfer: EasyHandle) {
    // SAFETY: both handles are alive.
    _ = unsafe curl.functions.pointee.multi_remove_handle(multi, transfer.easy)
  }

  /// Waits for a transfer, or for other descriptors, and moves no bytes.
  /// - Parameters:
  ///   - others: descriptors and their events (CURL_WAIT_POLLIN, CURL_WAIT_POLLOUT).
  ///   - milliseconds: at the longest.
  /// - Returns: false for an error that does not pass.
  package func poll(_ others: inout [curl_waitfd], _ milliseconds: Int32) -> Bool {
    let count = UInt32(others.count)
    // SAFETY: the array is valid for its count.
    return unsafe curl.functions.pointee.multi_poll(multi, &others, count, milliseconds, nil) == CURLM_OK
  }

  /// Moves bytes.
  /// - Parameter ended: called with each transfer that has ended, which is to be removed, and with its code.
  /// - Returns: false for an error that does not pass.
  package func perform(_ ended: (_ isIt: (EasyHandle) -> Bool, CURLcode) -> Void) -> Bool {
    var running: Int32 = 0
    // SAFETY: the handle is alive.
    guard unsafe curl.functions.pointee.multi_perform(multi, &running) == CURLM_OK else { return false }
    var code = CURLE_OK
    // SAFETY: both are alive; what is returned is the handle of a transfer.
    while let easy = unsafe openstarry_curl_ended(curl.functions, multi, &code) {
      ended({ unsafe $0.easy == easy }, code)
    }
    return true
  }
}
