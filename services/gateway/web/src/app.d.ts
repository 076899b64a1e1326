declare global {
  namespace App {
    interface Error {
      title?: string;
    }
  }
}

export {};
