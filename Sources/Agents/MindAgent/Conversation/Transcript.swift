import MCP
import OpenStarryAgent

/// The messages of one conversation with a model.
struct Transcript {
  private(set) var messages: [ChatMessage]
  /// The bytes of all texts.
  private(set) var bytes: Int
  /// How many messages after the first are from earlier exchanges.
  private var earlier: Int

  /// The longest answer of a model that is kept, in bytes.
  static let longestAnswer = 16_384
  /// The most bytes of pictures: as base64 they have to fit into a message to the daemon.
  static let mostPictureBytes = 640_000

  /// - Parameters:
  ///   - system: the first message.
  ///   - history: earlier exchanges.
  ///   - question: the newest message.
  init(system: String, history: [ChatMessage], question: String) {
    messages = [ChatMessage(.system, system)] + history + [ChatMessage(.user, question)]
    earlier = history.count
    bytes = messages.reduce(0) { $0 + $1.text.utf8.count }
  }

  /// Adds a message of the model.
  mutating func add(_ message: ChatMessage) {
    messages.append(message)
    bytes += message.text.utf8.count
    for call in message.toolCalls { bytes += call.name.utf8.count + (call.arguments?.weight ?? 0) + 40 }
  }

  /// Adds what a tool has answered.
  mutating func answer(_ id: String, _ fields: Fields, limit: Int = 8192) {
    add(ChatMessage(.tool, DataText.block(.map(fields), limit: limit), toolCallID: id))
  }

  /// Adds a picture; tools cannot answer with one. Older pictures give way.
  /// - Parameter source: the camera or the tool.
  mutating func show(_ jpeg: [UInt8], from source: String) {
    var room = Self.mostPictureBytes - jpeg.count
    for index in messages.indices.reversed() where !messages[index].pictures.isEmpty {
      room -= messages[index].pictures.reduce(0) { $0 + $1.count }
      if room < 0 { leaveOutPictures(of: index) }
    }
    let text = "The picture that you asked for: \(DataText.block(["from": .string(source)]))"
    var message = ChatMessage(.user, text)
    message.pictures = [jpeg]
    add(message)
  }

  /// Removes all pictures.
  /// - Returns: whether there were any.
  mutating func dropPictures() -> Bool {
    let shown = messages.indices.filter { !messages[$0].pictures.isEmpty }
    for index in shown { leaveOutPictures(of: index) }
    return !shown.isEmpty
  }

  private mutating func leaveOutPictures(of index: Int) {
    let note = " (left out: there is no room for it)"
    messages[index].pictures = []
    messages[index].text += note
    bytes += note.utf8.count
  }

  /// Removes earlier exchanges.
  /// - Returns: whether there were any.
  mutating func dropHistory() -> Bool {
    guard earlier > 0 else { return false }
    bytes -= messages[1...earlier].reduce(0) { $0 + $1.text.utf8.count }
    messages.removeSubrange(1...earlier)
    earlier = 0
    return true
  }
}
