import CJPEG
import Glibc
import HAL
import Model

/// libturbojpeg, loaded at the first picture that needs it. Lives on one worker's thread.
///
/// SAFETY: the handles are valid until `discard`, which clears them; the library's table is never freed once loaded.
@safe final class JPEGCodec {
  /// The library's functions; loaded once for the process and kept.
  ///
  /// SAFETY: written before it is published, never afterwards.
  @safe private struct Library: @unchecked Sendable {
    let table: UnsafePointer<openstarry_jpeg>

    static let loaded: Result<Library, HALError.Fault> = {
      // SAFETY: one table, filled in before anybody sees it.
      let table = UnsafeMutablePointer<openstarry_jpeg>.allocate(capacity: 1)
      unsafe table.initialize(to: openstarry_jpeg())
      guard unsafe openstarry_jpeg_load(table) == 0 else {
        let why = unsafe String(cString: openstarry_jpeg_load_error())
        unsafe table.deallocate()
        return .failure(.system(ENOENT, "libturbojpeg cannot be loaded (\(why)); install libturbojpeg0"))
      }
      return .success(unsafe Library(table: table))
    }()
  }

  private let library: Library
  private var compressor: UnsafeMutableRawPointer?
  private var decompressor: UnsafeMutableRawPointer?

  /// Loads the library.
  init() throws(HALError.Fault) { library = try Library.loaded.get() }

  deinit { discard() }

  /// Destroys both handles. After a failure a handle keeps state of the broken picture (its Huffman tables) and would
  /// fail on good ones, so the next picture gets a new handle.
  private func discard() {
    if let compressor = unsafe compressor.take() { unsafe openstarry_jpeg_destroy(library.table, compressor) }
    if let decompressor = unsafe decompressor.take() { unsafe openstarry_jpeg_destroy(library.table, decompressor) }
  }

  /// Encodes a picture; a JPEG is passed through.
  /// - Parameter quality: 1 to 100.
  func encode(_ bytes: [UInt8], _ format: FrameFormat, quality: Int32 = 85) throws(HALError.Fault) -> [UInt8] {
    try format.check(bytes.count)
    if format.pixels == .mjpeg { return bytes }
    if unsafe compressor == nil { unsafe compressor = openstarry_jpeg_compressor(library.table) }
    guard let handle = unsafe compressor else { throw HALError.Fault(errno: ENOMEM) }
    var out: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    // SAFETY: the library allocates `out`, also when it fails half-way; it is copied below before it is freed.
    defer { if let out = unsafe out { unsafe openstarry_jpeg_free(library.table, out) } }
    let (width, height) = (Int32(format.width), Int32(format.height))
    let result: Int32
    switch format.pixels {
    case .rgb24, .grey, .mjpeg:
      // SAFETY: `check` has compared the array with the size.
      result = unsafe openstarry_jpeg_compress(
        library.table, handle, bytes, width, height, format.pixels == .grey ? 1 : 0, quality, &out, &count)
    case .yuyv, .nv12:
      let planes = format.pixels == .yuyv ? Self.planes(yuyv: bytes) : Self.planes(nv12: bytes, format)
      // SAFETY: the planes have the sizes that even dimensions give them.
      result = unsafe openstarry_jpeg_compress_planes(
        library.table, handle, planes.y, planes.u, planes.v, width, height, format.pixels == .nv12 ? 1 : 0, quality,
        &out, &count)
    }
    guard result == 0, let start = unsafe out else { throw unsafe failure(handle) }
    return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
  }

  /// Decodes a picture.
  /// - Parameters:
  ///   - isGrey: whether to decode to grey, one byte per pixel; otherwise to RGB.
  ///   - limit: the largest width. The decoder scales down in steps of 1/8 to meet it; at 1/8 the result may still be
  ///     wider.
  func decode(
    _ jpeg: [UInt8], isGrey: Bool, limit: Int = .max
  ) throws(HALError.Fault) -> (width: Int, height: Int, pixels: [UInt8]) {
    if unsafe decompressor == nil { unsafe decompressor = openstarry_jpeg_decompressor(library.table) }
    guard let handle = unsafe decompressor else { throw HALError.Fault(errno: ENOMEM) }
    var (width, height): (Int32, Int32) = (0, 0)
    // SAFETY: the library reads `jpeg.count` bytes and writes the two numbers.
    guard unsafe openstarry_jpeg_header(library.table, handle, jpeg, UInt(jpeg.count), &width, &height) == 0 else {
      throw unsafe failure(handle)
    }
    try FrameFormat(pixels: .mjpeg, width: Int(width), height: Int(height)).check(jpeg.count)
    // As libturbojpeg's TJSCALED: rounded up.
    func scaled(_ size: Int32, _ eighths: Int) -> Int { (Int(size) * eighths + 7) / 8 }
    let eighths = (1...8).reversed().first { scaled(width, $0) <= limit } ?? 1
    let (wide, tall) = (scaled(width, eighths), scaled(height, eighths))
    var pixels = [UInt8](repeating: 0, count: wide * tall * (isGrey ? 1 : 3))
    // SAFETY: the array has room for `wide` times `tall` pixels without padding.
    guard
      unsafe openstarry_jpeg_decompress(
        library.table, handle, jpeg, UInt(jpeg.count), &pixels, Int32(wide), Int32(tall), isGrey ? 1 : 0) == 0
    else { throw unsafe failure(handle) }
    return (wide, tall, pixels)
  }

  /// A small grey copy of a JPEG.
  func thumbnail(_ jpeg: [UInt8]) throws(HALError.Fault) -> Thumbnail? {
    let small = try decode(jpeg, isGrey: true, limit: Thumbnail.limit)
    return Thumbnail(small.pixels, FrameFormat(pixels: .grey, width: small.width, height: small.height))
  }

  private func failure(_ handle: UnsafeMutableRawPointer) -> HALError.Fault {
    // SAFETY: the text belongs to the handle and is copied before `discard` destroys it.
    let text = unsafe String(cString: openstarry_jpeg_error(library.table, handle))
    discard()
    return .protocolViolation("JPEG: \(text)")
  }

  /// Y0 U Y1 V → three planes, chroma at half width (videodev2.h, V4L2_PIX_FMT_YUYV).
  private static func planes(yuyv bytes: [UInt8]) -> (y: [UInt8], u: [UInt8], v: [UInt8]) {
    let pairs = bytes.count / 4
    var (y, u, v): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    y.reserveCapacity(pairs * 2)
    u.reserveCapacity(pairs)
    v.reserveCapacity(pairs)
    for at in stride(from: 0, to: pairs * 4, by: 4) {
      y.append(bytes[at])
      u.append(bytes[at + 1])
      y.append(bytes[at + 2])
      v.append(bytes[at + 3])
    }
    return (y, u, v)
  }

  /// A plane of Y, then one of interleaved U and V at half width and height (V4L2_PIX_FMT_NV12).
  private static func planes(nv12 bytes: [UInt8], _ format: FrameFormat) -> (y: [UInt8], u: [UInt8], v: [UInt8]) {
    let start = format.width * format.height
    let chroma = stride(from: start, to: bytes.count - 1, by: 2)
    return (Array(bytes[..<start]), chroma.map { bytes[$0] }, chroma.map { bytes[$0 + 1] })
  }
}
