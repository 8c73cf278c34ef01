import OpenStarryAgent

/// Asks for a picture when the camera detects motion, and logs its size.
struct Lookout: Agent {
  private var sightings: Int64 = 0
  private var pictures: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    if event.type == "camera:motion" { sightings += 1 }
    do throws(AgentError) {
      let picture = try context.snapshot("cam0")
      pictures += 1
      context.log("picture \(pictures): \(picture.count / 1024) KiB")
    } catch  where error.code == .unavailable {
      context.log("motion: waiting for the picture")
    }
  }

  func snapshot() -> Value { ["sightings": .int(sightings), "pictures": .int(pictures)] }
}
