/// Events of cameras: motion and pictures.
package enum CameraEvents {
  static var all: [EventDeclaration] { [motionDeclaration, snapshotDeclaration, frameDeclaration] }

  private static var motionDeclaration: EventDeclaration {
    EventDeclaration(
      "camera:motion", .normal, "a camera sees something move",
      [
        .device, .number("fraction", "0 to 1", "share of the picture that moves"),
        .number("x", "0 to 1", "centre of the motion, from the left"),
        .number("y", "0 to 1", "centre of the motion, from the top"),
      ],
      example: motion("cam0", fraction: 0.04, x: 0.5, y: 0.25)
    ) { event in
      let share = event["fraction"]?.double.map { " (\(EventSentence.percent($0)) of the picture)" } ?? ""
      return "\(event.subject("device")) sees motion\(share)"
    }
  }

  /// - Parameters:
  ///   - fraction: share of the picture that moves, 0 to 1.
  ///   - x: centre of the motion from the left, 0 to 1.
  ///   - y: centre of the motion from the top, 0 to 1.
  package static func motion(_ device: DeviceID, fraction: Double, x: Double, y: Double) -> DaemonEvent {
    DaemonEvent(
      motionDeclaration,
      Fields(uniquePairs: [
        ("device", .string(device.rawValue)), ("fraction", .double(fraction)), ("x", .double(x)), ("y", .double(y)),
      ]))
  }

  /// The name of the event `camera:snapshot`.
  package static var snapshotName: String { "camera:snapshot" }

  private static var snapshotDeclaration: EventDeclaration {
    EventDeclaration(
      snapshotName, .normal, isInternal: true, "a camera took a picture for an agent",
      [.device, .integer("bytes", "bytes", "size of the JPEG")], example: snapshot("cam0", bytes: 31_234)
    ) { event in
      let size = event["bytes"]?.int.map { " (\(EventSentence.byteCount($0)))" } ?? ""
      return "\(event.subject("device")) took a picture\(size)"
    }
  }

  /// - Parameter bytes: size of the JPEG.
  package static func snapshot(_ device: DeviceID, bytes: Int) -> DaemonEvent {
    DaemonEvent(
      snapshotDeclaration, Fields(uniquePairs: [("device", .string(device.rawValue)), ("bytes", .int(Int64(bytes)))]))
  }

  /// The name of the event `camera:frame`.
  package static var frameName: String { "camera:frame" }

  private static var frameDeclaration: EventDeclaration {
    EventDeclaration(
      frameName, .normal, isInternal: true, "a camera took a grey picture for an agent",
      [.device, .integer("width", "pixels", "its width"), .integer("height", "pixels", "its height")],
      example: frame("cam0", width: 32, height: 24)
    ) { event in
      let size = event["width"]?.int.flatMap { width in event["height"]?.int.map { " (\(width)×\($0))" } } ?? ""
      return "\(event.subject("device")) took a grey picture\(size)"
    }
  }

  /// - Parameters:
  ///   - width: in pixels.
  ///   - height: in pixels.
  package static func frame(_ device: DeviceID, width: Int, height: Int) -> DaemonEvent {
    DaemonEvent(
      frameDeclaration,
      Fields(uniquePairs: [
        ("device", .string(device.rawValue)), ("width", .int(Int64(width))), ("height", .int(Int64(height))),
      ]))
  }
}
