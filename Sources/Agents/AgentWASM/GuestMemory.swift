import CWasmtime
import Model

/// The parameters of a host function, as the engine passes them.
@safe struct CallArguments {
  let values: UnsafeMutablePointer<wasmtime_val_raw_t>

  /// An `i32`: a pointer, a length, a code.
  func pointer(_ index: Int) -> UInt32 { UInt32(bitPattern: unsafe values[index].i32) }
  /// An `i64`.
  func wide(_ index: Int) -> Int64 { unsafe values[index].i64 }
}

/// Access to a guest's memory. Pointers and lengths are untrusted 32-bit numbers: they are added with 64 bits, so that nothing
/// wraps around. The base address is looked up each time, because memory grows.
extension Guest {
  func checkLength(_ length: UInt32) throws(GuestFault) {
    guard length <= UInt32(Self.longest) else { throw .tooLong(length) }
  }

  func bytes(_ place: UInt32, _ length: UInt32) throws(GuestFault) -> [UInt8] {
    try checkLength(length)
    try charge(Int(length))
    let start = unsafe try address(place, length)
    // SAFETY: `address` has checked that `length` bytes follow.
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: Int(length)))
  }

  /// The first bytes of a range, all of which must be the guest's memory.
  func bytes(_ place: UInt32, _ length: UInt32, most: UInt32) throws(GuestFault) -> [UInt8] {
    try checkLength(length)
    _ = unsafe try address(place, length)
    return try bytes(place, min(length, most))
  }

  /// The text whose pointer and length are the parameters `index` and `index + 1`.
  func text(_ call: CallArguments, _ index: Int) throws(GuestFault) -> String {
    guard
      let text = String(validating: try bytes(call.pointer(index), call.pointer(index + 1)), as: UTF8.self)
    else { throw .notText }
    return text
  }

  /// The same for a text that the contract bounds. If it is longer, using it throws `invalid`.
  func text(_ call: CallArguments, _ index: Int, most: Int) throws(GuestFault) -> Result<String, AgentError> {
    if let error = try refusal(call, index, most: most) { return .failure(error) }
    return .success(try text(call, index))
  }

  /// Structured data, in the module's encoding, whose pointer and length are the parameters `index` and `index + 1`.
  /// If it is longer than `most` bytes, using it throws `invalid`.
  func payload(_ call: CallArguments, _ index: Int, most: Int) throws(GuestFault) -> Result<[UInt8], AgentError> {
    if let error = try refusal(call, index, most: most) { return .failure(error) }
    switch encoding {
    case .json: return .success(Array(try text(call, index).utf8))
    case .cbor: return .success(try bytes(call.pointer(index), call.pointer(index + 1)))
    }
  }

  /// Why data of the guest is not read: it is longer than `most` bytes.
  private func refusal(_ call: CallArguments, _ index: Int, most: Int) throws(GuestFault) -> AgentError? {
    let length = call.pointer(index + 1)
    guard length <= most else {
      // Even so, a range outside its memory is a fault.
      _ = unsafe try address(call.pointer(index), length)
      return AgentError(.invalid, "\(length) bytes, where at most \(most) are allowed")
    }
    // Parsing costs more than copying.
    try charge(7 * Int(length))
    return nil
  }

  /// The name of a device, an event or a key.
  func name(_ call: CallArguments, _ index: Int) throws(GuestFault) -> Result<String, AgentError> {
    try text(call, index, most: Self.longestName)
  }

  func write(_ bytes: [UInt8], at place: UInt32) throws(GuestFault) {
    let start = unsafe try address(place, UInt32(clamping: bytes.count))
    // SAFETY: `address` has checked that `bytes.count` bytes follow.
    unsafe bytes.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: start, count: $0.count).copyMemory(from: $0)
    }
  }

  func byte(at place: UInt32) throws(GuestFault) -> UInt8 {
    unsafe try address(place, 1).loadUnaligned(as: UInt8.self)
  }

  func word(at place: UInt32) throws(GuestFault) -> UInt32 {
    UInt32(littleEndian: unsafe try address(place, 4).loadUnaligned(as: UInt32.self))
  }

  func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at place: UInt32) throws(GuestFault) {
    let size = UInt32(MemoryLayout<Number>.size)
    unsafe try address(place, size).storeBytes(of: number.littleEndian, as: Number.self)
  }

  private func address(_ place: UInt32, _ length: UInt32) throws(GuestFault) -> UnsafeMutableRawPointer {
    guard isReady else { throw .notReady }
    let size = UInt64(unsafe functions.wasmtime_memory_data_size(context, memory))
    guard UInt64(place) + UInt64(length) <= size,
      let base = unsafe functions.wasmtime_memory_data(context, memory)
    else { throw .outOfBounds(place, length) }
    return unsafe UnsafeMutableRawPointer(base) + Int(place)
  }

  // MARK: Results

  /// Does `work` and writes a `result<string, error>` (or `result<_, error>` if it returns nil) to `place`.
  func answer(
    at place: UInt32, _ work: (any AgentHost) throws(AgentError) -> [UInt8]?
  ) throws(GuestFault) -> Int64? {
    try checkArea(place)
    guard let host else { throw .stopped }
    let result: Result<[UInt8]?, AgentError>
    do throws(AgentError) { result = .success(try work(host)) } catch { result = .failure(error) }
    try write(result, at: place)
    return nil
  }

  /// Checks the address of a result before the work, so that no command is executed without a receipt.
  func checkArea(_ place: UInt32) throws(GuestFault) {
    guard place % 4 == 0 else { throw .misaligned(place) }
    _ = unsafe try address(place, 16)
  }

  /// Writes the answer to a pending host call.
  func write(_ wait: PendingCall) throws(GuestFault) {
    guard let answer = wait.answer else { throw .notReady }
    try write(answer, at: wait.place)
  }

  func write(_ result: Result<[UInt8]?, AgentError>, at place: UInt32) throws(GuestFault) {
    switch result {
    case .success(let bytes):
      let text = try give(bytes ?? [])
      try store(UInt8(0), at: place)
      try store(text.place, at: place + 4)
      try store(text.length, at: place + 8)
    case .failure(let error):
      retryAfter = error.retryAfter
      let message = try give(Array(error.message.utf8.prefix(Self.longest)))
      try store(UInt8(1), at: place)
      try store(error.code.wireNumber, at: place + 4)
      try store(message.place, at: place + 8)
      try store(message.length, at: place + 12)
    }
  }

  /// Allocates memory in the guest, and copies `bytes` there.
  func give(_ bytes: [UInt8]) throws(GuestFault) -> (place: UInt32, length: UInt32) {
    try checkLength(UInt32(clamping: bytes.count))
    try charge(bytes.count)
    guard !bytes.isEmpty else { return (1, 0) }
    guard let allocate = unsafe function(ABI.allocate) else { throw .notReady }
    var values = (wasmtime_val_raw_t(), wasmtime_val_raw_t(), wasmtime_val_raw_t(), wasmtime_val_raw_t())
    unsafe values.0.i64 = 0
    unsafe values.1.i64 = 0
    unsafe values.2.i64 = 1
    unsafe values.3.i64 = Int64(bytes.count)
    var function = unsafe allocate
    var trap: OpaquePointer?
    // The allocator runs on the stack of a host call, so it may neither yield nor take long.
    let before = fuelLeft
    let share = min(before, 100_000 + 4 * UInt64(bytes.count))
    setSlice(0)
    _ = unsafe functions.wasmtime_context_set_fuel(context, share)
    isAllocating = true
    // SAFETY: four parameters and one result in four values, as the checked signature says.
    let error = unsafe withUnsafeMutablePointer(to: &values) {
      unsafe $0.withMemoryRebound(to: wasmtime_val_raw_t.self, capacity: 4) {
        unsafe functions.wasmtime_func_call_unchecked(context, &function, $0, 4, &trap)
      }
    }
    isAllocating = false
    let left = before - (share - min(fuelLeft, share))
    _ = unsafe functions.wasmtime_context_set_fuel(context, left)
    resumeSlice(fuelLeft: left)
    if let error = unsafe error { throw .allocation(unsafe module.engine.take(error: error)) }
    if let trap = unsafe trap {
      let (_, text) = unsafe module.engine.take(trap: trap)
      throw fault ?? .allocation(TrapText.cause(in: text))
    }
    let place = UInt32(bitPattern: unsafe values.0.i32)
    try write(bytes, at: place)
    return (place, UInt32(bytes.count))
  }
}
