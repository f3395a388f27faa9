export { type BillLine, readBill } from './bill.ts';
export { CLASS_NAMES, type Classes, type ClassName } from './classes.ts';
export { type Script } from './script.ts';
export { type ProviderSimulator, type SimulatorOptions, startProviderSimulator } from './simulator.ts';
