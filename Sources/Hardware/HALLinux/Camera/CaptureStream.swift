import CLinux
import CV4L2
import Chips
import Glibc
import HAL
import Model

/// An open camera that streams into mapped buffers; owns its descriptor and mappings. Lives on its camera's worker
/// thread; its deinit stops the stream.
///
/// Follows Documentation/userspace-api/media/v4l/mmap.rst, through libv4l2, which emulates formats that the camera
/// lacks.
///
/// SAFETY: descriptor and mappings are valid from `open` to deinit; the library's table is never freed once loaded; the
/// shim's calls write into the locals that are passed and nowhere else.
@safe final class CaptureStream {
  /// The library's functions; loaded once for the process and kept.
  ///
  /// SAFETY: written before it is published, never afterwards.
  @safe private struct Library: @unchecked Sendable {
    let table: UnsafePointer<openstarry_v4l2>

    static let loaded: Result<Library, HALError.Fault> = {
      // SAFETY: one table, filled in before anybody sees it.
      let table = UnsafeMutablePointer<openstarry_v4l2>.allocate(capacity: 1)
      unsafe table.initialize(to: openstarry_v4l2())
      guard unsafe openstarry_v4l2_load(table) == 0 else {
        let why = unsafe String(cString: openstarry_v4l2_load_error())
        unsafe table.deallocate()
        return .failure(.system(ENOENT, "libv4l2 cannot be loaded (\(why)); install libv4l-0"))
      }
      return .success(unsafe Library(table: table))
    }()
  }

  private let library: Library
  private let path: String
  /// For watching only; this object closes it.
  let descriptor: Int32
  /// The format that the driver granted.
  private(set) var format: FrameFormat
  private var stride = 0
  private var buffers: [UnsafeMutableRawBufferPointer] = unsafe []
  private var isStreaming = false

  /// Opens a camera and starts to stream.
  /// - Parameter wanted: the requested format; `format` is the granted one.
  static func open(_ path: String, _ wanted: FrameFormat) throws(HALError.Fault) -> CaptureStream {
    let stream = try CaptureStream(path, wanted)
    try stream.negotiate(wanted)
    try stream.map()
    guard unsafe openstarry_v4l2_stream(stream.library.table, stream.descriptor, 1) >= 0 else { throw stream.fault() }
    stream.isStreaming = true
    return stream
  }

  private init(_ path: String, _ wanted: FrameFormat) throws(HALError.Fault) {
    library = try Library.loaded.get()
    self.path = path
    format = wanted
    let table = unsafe library.table
    descriptor = unsafe path.withCString { unsafe openstarry_v4l2_open(table, $0) }
    guard descriptor >= 0 else {
      let error = errno
      // The node exists, but no driver is behind it.
      throw error == ENXIO ? .gone : HALError.Fault(errno: error)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Failures are ignored: usually the camera has gone.
    if isStreaming { _ = unsafe openstarry_v4l2_stream(library.table, descriptor, 0) }
    while let buffer = unsafe buffers.popLast() {
      _ = unsafe openstarry_v4l2_unmap(library.table, buffer.baseAddress, buffer.count)
    }
    var none: UInt32 = 0
    _ = unsafe openstarry_v4l2_request(library.table, descriptor, &none)
    _ = unsafe openstarry_v4l2_close(library.table, descriptor)
  }

  /// Takes the next picture that is ready.
  /// - Returns: nil when none is ready, or it is damaged.
  func next() throws(HALError.Fault) -> Frame? {
    var filled = openstarry_v4l2_filled()
    guard unsafe openstarry_v4l2_dequeue(library.table, descriptor, &filled) >= 0 else {
      if errno == EAGAIN { return nil }
      throw fault()
    }
    let index = Int(filled.index)
    guard unsafe index < buffers.count else {
      throw .protocolViolation("\(path) filled a buffer that it does not have")
    }
    let count = unsafe min(Int(filled.bytes), buffers[index].count)
    let bytes = filled.damaged != 0 ? nil : copy(index, count)
    guard unsafe openstarry_v4l2_queue(library.table, descriptor, filled.index) >= 0 else { throw fault() }
    guard let bytes else { return nil }
    let time = filled.monotonic != 0 ? filled.nanoseconds : Self.now()
    return Frame(sequence: filled.sequence, time: Instant(nanoseconds: time), format: format, bytes: bytes)
  }

  // MARK: Setting up

  private func fault() -> HALError.Fault { HALError.Fault(errno: errno) }

  /// Requests the wanted pixel format, then the others, and takes the first one granted. The driver may change the
  /// size.
  private func negotiate(_ wanted: FrameFormat) throws(HALError.Fault) {
    let others = FrameFormat.PixelFormat.allCases.filter { $0 != wanted.pixels }
    for pixels in [wanted.pixels] + others {
      var picture = openstarry_v4l2_picture()
      picture.fourcc = Self.code(pixels)
      picture.width = UInt32(clamping: wanted.width)
      picture.height = UInt32(clamping: wanted.height)
      // A driver may answer with another format, or refuse the requested one.
      let tried = unsafe openstarry_v4l2_format(library.table, descriptor, 0, &picture)
      if tried < 0 && errno == ENODEV { throw .gone }
      guard tried >= 0, Self.pixels(picture.fourcc) == pixels else { continue }
      guard unsafe openstarry_v4l2_format(library.table, descriptor, 1, &picture) >= 0 else { throw fault() }
      guard let agreed = Self.pixels(picture.fourcc) else { continue }
      format = FrameFormat(
        pixels: agreed, width: Int(picture.width), height: Int(picture.height), rate: try setRate(wanted.rate))
      stride = Int(picture.stride)
      try format.check(format.size ?? 0)
      return
    }
    throw .protocolViolation("\(path) offers none of MJPG, YUYV, NV12, RGB3, GREY, not even through libv4l")
  }

  /// - Returns: the rate that the driver chose; the wanted one if it does not report any.
  private func setRate(_ wanted: Double) throws(HALError.Fault) -> Double {
    var (numerator, denominator) = (UInt32(1000), UInt32(max(1, min(wanted * 1000, 1_000_000))))
    if unsafe openstarry_v4l2_interval(library.table, descriptor, &numerator, &denominator) < 0, errno == ENODEV {
      throw .gone
    }
    return numerator > 0 && denominator > 0 ? Double(denominator) / Double(numerator) : wanted
  }

  private func map() throws(HALError.Fault) {
    // One is being filled, one waits to be read, and two absorb delays.
    var count: UInt32 = 4
    guard unsafe openstarry_v4l2_request(library.table, descriptor, &count) >= 0 else { throw fault() }
    guard count >= 2 else { throw .protocolViolation("\(path) grants only \(count) buffers") }
    for index in 0..<count {
      var length = 0
      guard let start = unsafe openstarry_v4l2_map(library.table, descriptor, index, &length) else { throw fault() }
      unsafe buffers.append(UnsafeMutableRawBufferPointer(start: start, count: length))
      guard unsafe openstarry_v4l2_queue(library.table, descriptor, index) >= 0 else { throw fault() }
    }
  }

  // MARK: Reading

  /// Copies a picture out of a buffer without the padding of its rows; nil when it is incomplete.
  private func copy(_ index: Int, _ count: Int) -> [UInt8]? {
    // SAFETY: `count` is at most the buffer's length, and the kernel does not touch it until it is queued again.
    let source = unsafe UnsafeRawBufferPointer(rebasing: buffers[index][..<count])
    guard let size = format.size else {
      // A JPEG begins with the SOI marker.
      guard count > 4, unsafe source[0] == 0xFF && source[1] == 0xD8 else { return nil }
      return unsafe Array(source)
    }
    return unsafe Self.unpadded(source, format, stride: stride, size: size)
  }

  /// Copies rows that begin `stride` bytes apart; a stride of 0 means no padding. nil when the source is too short.
  static func unpadded(
    _ source: UnsafeRawBufferPointer, _ format: FrameFormat, stride: Int, size: Int
  ) -> [UInt8]? {
    guard let first = format.rows.first, stride > first.length else {
      return unsafe source.count >= size ? Array(source[..<size]) : nil
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    var at = 0
    for (length, count) in format.rows {
      for _ in 0..<count {
        guard at + length <= source.count else { return nil }
        unsafe bytes.append(contentsOf: source[at..<(at + length)])
        at += stride
      }
    }
    return bytes
  }

  private static func now() -> UInt64 {
    var time = timespec()
    // SAFETY: the kernel fills in the local.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// The four-character code of a format (videodev2.h, v4l2_fourcc).
  static func code(_ pixels: FrameFormat.PixelFormat) -> UInt32 {
    pixels.rawValue.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The format of a four-character code; some drivers use `JPEG` for MJPG. nil for unknown codes.
  static func pixels(_ code: UInt32) -> FrameFormat.PixelFormat? {
    let name = String(decoding: (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * UInt32($0))) }, as: UTF8.self)
    return name == "JPEG" ? .mjpeg : FrameFormat.PixelFormat(rawValue: name)
  }
}
